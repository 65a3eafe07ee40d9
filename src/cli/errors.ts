import { Failure, type FailureKind } from '../domain/failure.ts';
import { printable } from './output.ts';

/** Exit codes, so that scripts can tell what would help. */
const exitCodes: Partial<Record<FailureKind, number>> = {
  BadInput: 2,
  Conflict: 3,
  NoCapacity: 3,
  Busy: 4,
  NotFound: 5,
  Unreachable: 6,
  AccessDenied: 7,
  HostKeyChanged: 7,
};

/** Prints what happened and what to do next, and returns the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof Failure) {
    process.stderr.write(`mvc: ${printable(error.message)}\n`);
    if (error.help !== undefined) process.stderr.write(`     ${printable(error.help)}\n`);
    return exitCodes[error.kind] ?? 1;
  }
  process.stderr.write(
    `mvc: ${printable(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
  );
  return 1;
}
