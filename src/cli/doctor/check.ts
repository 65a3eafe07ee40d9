import { Failure } from '../../domain/failure.ts';

export type Verdict = 'ok' | 'warn' | 'fail';

/** What a check found about one thing. */
export interface Finding {
  verdict: Verdict;
  /** What was looked at: `postgres`, `site beach`. */
  subject: string;
  message: string;
  /** What to do, unless all is well. */
  help?: string;
}

/** One look at the installation. It changes nothing. */
export interface Check {
  name: string;
  /** How long it may take, ms. */
  withinMs?: number;
  run(): Promise<Finding[]>;
}

export interface Examined {
  check: string;
  findings: Finding[];
}

const usualMs = 15_000;

export function ok(subject: string, message: string): Finding {
  return { verdict: 'ok', subject, message };
}

export function warn(subject: string, message: string, help?: string): Finding {
  return { verdict: 'warn', subject, message, ...(help === undefined ? {} : { help }) };
}

export function fail(subject: string, message: string, help?: string): Finding {
  return { verdict: 'fail', subject, message, ...(help === undefined ? {} : { help }) };
}

/** What a failure means for the thing that was asked. */
export function failed(subject: string, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  return fail(subject, message, error instanceof Failure ? error.help : undefined);
}

/**
 * Runs all checks at once and tells of each in the order of the list. A check that fails or hangs is a
 * finding itself: the others go on.
 */
export async function* examine(checks: Check[]): AsyncGenerator<Examined> {
  const running = checks.map(async (check) => ({
    check: check.name,
    findings: await findingsOf(check),
  }));
  for (const each of running) yield await each;
}

async function findingsOf(check: Check): Promise<Finding[]> {
  const withinMs = check.withinMs ?? usualMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((resolve) => {
    const message = `could not be checked within ${withinMs / 1000} s`;
    timer = setTimeout(() => resolve([warn(check.name, message)]), withinMs);
  });
  try {
    return await Promise.race([check.run(), late]);
  } catch (error) {
    const { message, help } = failed(check.name, error);
    return [warn(check.name, `could not be checked: ${message}`, help)];
  } finally {
    clearTimeout(timer);
  }
}
