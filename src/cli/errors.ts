import { Failure, failureKinds } from '../domain/failure.ts';
import { suggestNames } from './did-you-mean.ts';
import { failureCodes, unexpectedError, type ErrorCode } from './error-codes.ts';
import { printable } from './output.ts';

/** An error as `--json` shows it on stderr; docs/json.md has the shape. */
export interface ErrorReport extends ErrorCode {
  message: string;
  /** What to do next, as a sentence. */
  help?: string;
  /** The host at the site where it happened, if it was one host. */
  host?: string;
  /** Names that there are and that resemble the one that there is not. */
  didYouMean?: string[];
  /** The same command may succeed later without any change. */
  retryable: boolean;
}

/** Prints what happened and what to do next, and returns the exit code. */
export async function reportError(error: unknown, { json }: { json: boolean }): Promise<number> {
  const report = await describeError(error);
  if (json) process.stderr.write(`${JSON.stringify({ error: report })}\n`);
  else for (const line of errorLines(report)) process.stderr.write(`${printable(line)}\n`);
  return report.exitCode;
}

async function describeError(error: unknown): Promise<ErrorReport> {
  if (!(error instanceof Failure)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...unexpectedError, message, retryable: false };
  }
  const { kind, message, help, host } = error.describe();
  const didYouMean = kind === 'NotFound' ? await suggestNames(message) : [];
  return {
    ...failureCodes[kind],
    message,
    ...(help === undefined ? {} : { help }),
    ...(host === undefined ? {} : { host }),
    ...(didYouMean.length === 0 ? {} : { didYouMean }),
    retryable: failureKinds[kind].retry,
  };
}

/** For a person: the sentence with its code, then what to do. */
export function errorLines({ code, message, help, didYouMean }: ErrorReport): string[] {
  return [
    `mvc: ${message} [${code}]`,
    ...(didYouMean === undefined ? [] : [`     Did you mean ${didYouMean.join(' or ')}?`]),
    `     ${help ?? `\`mvc explain ${code}\` tells more`}`,
  ];
}
