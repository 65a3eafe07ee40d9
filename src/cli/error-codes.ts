import type { FailureKind } from '../domain/failure.ts';
import { usageError } from './usage-error.ts';

/**
 * The stable code of each kind of failure: what `mvc` prints in brackets, `--json` errors carry,
 * docs/errors.md explains and scripts may compare with.
 */
export const failureCodes = {
  BadInput: { code: 'bad-input', exitCode: 2 },
  Conflict: { code: 'conflict', exitCode: 3 },
  NoCapacity: { code: 'no-capacity', exitCode: 3 },
  Busy: { code: 'busy', exitCode: 4 },
  NotFound: { code: 'not-found', exitCode: 5 },
  Unreachable: { code: 'unreachable', exitCode: 6 },
  AccessDenied: { code: 'access-denied', exitCode: 7 },
  HostKeyChanged: { code: 'host-key-changed', exitCode: 7 },
  MissingTool: { code: 'missing-tool', exitCode: 1 },
  Forbidden: { code: 'forbidden', exitCode: 1 },
  StaleEpoch: { code: 'stale-epoch', exitCode: 1 },
  Protocol: { code: 'protocol', exitCode: 1 },
  Timeout: { code: 'timeout', exitCode: 1 },
  CommandFailed: { code: 'command-failed', exitCode: 1 },
} as const satisfies Record<FailureKind, ErrorCode>;

/** An error that nobody foresaw: a defect of this program. */
export const unexpectedError = { code: 'unexpected', exitCode: 1 } as const satisfies ErrorCode;

export interface ErrorCode {
  code: string;
  /** Of the process. */
  exitCode: number;
}

/** Every code that the command line can end with. */
export const errorCodes: ErrorCode[] = [
  ...Object.values(failureCodes),
  usageError,
  unexpectedError,
];
