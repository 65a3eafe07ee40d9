import { Failure } from '../../domain/failure.ts';
import { physicalFrontend } from '../../domain/site.ts';
import { printLine } from '../output.ts';
import { checkDestination, describe, runOverSsh, type ScriptRun } from '../run-over-ssh.ts';
import type { HostScript } from './host-scripts.ts';
import type { SitePlan } from './site-plan.ts';

type Way = Omit<ScriptRun, 'script'>;

/**
 * How the person's ssh reaches each host: VM containers through the physical frontend, as we shall.
 *
 * @throws {Failure} BadInput for an account that is none.
 */
export function planRuns(plan: SitePlan, user: string | undefined): Way[] {
  const frontend = checkDestination({
    user,
    address: plan.address,
    ...(plan.port === 22 ? {} : { port: plan.port }),
  });
  return [
    { host: physicalFrontend, to: frontend },
    ...plan.containers.map(({ name, address }) => ({
      host: name,
      to: checkDestination({ user, address }),
      through: frontend,
      knownAs: `${name}.${plan.name}`,
    })),
  ];
}

/**
 * Runs each script at its host, one after the other: the physical frontend is the way to the others, and
 * ssh may ask the person something.
 *
 * @param quiet says nothing but errors.
 * @throws {Failure} of the first host where it failed, with what was not done.
 */
export async function runScripts(
  scripts: HostScript[],
  ways: Way[],
  quiet: boolean,
): Promise<void> {
  const done: string[] = [];
  for (const { host, text } of scripts) {
    const way = ways.find((each) => each.host === host);
    if (!way) throw new Error(`no way to ${host}`);
    if (!quiet) printLine(`${host}: running its script at ${describe(way.to)} …`);
    try {
      await runOverSsh({ ...way, script: text }, (line) => quiet || printLine(`  ${line}`));
    } catch (error) {
      throw withProgress(error, done, scripts.length);
    }
    done.push(host);
  }
}

function withProgress(error: unknown, done: string[], all: number): unknown {
  if (!(error instanceof Failure) || all === 1) return error;
  const ready = done.length === 0 ? 'no host is prepared yet' : `prepared: ${done.join(', ')}`;
  const { kind, message, help, host } = error;
  return new Failure(kind, `${message} (${ready}, of ${all} hosts)`, {
    cause: error,
    ...(help === undefined ? {} : { help }),
    ...(host === undefined ? {} : { host }),
  });
}
