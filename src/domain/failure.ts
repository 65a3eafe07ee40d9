import { z } from 'zod';

/**
 * Failures by what helps. The name decides whether a retry can help; whoever detects the failure
 * chooses the name once, and everyone above only passes it on.
 */
export const failureKinds = {
  /** The input is wrong: a person must change it. */
  BadInput: { retry: false },
  /** The world differs from the request: a name, MAC or address is taken by somebody else. */
  Conflict: { retry: false },
  /** The site cannot hold what is asked. */
  NoCapacity: { retry: false },
  /** The site does not accept our key or account. */
  AccessDenied: { retry: false },
  /** The host presented another key than the registered one. Nothing was sent to it. */
  HostKeyChanged: { retry: false },
  /** The host lacks a program; the message names the package. */
  MissingTool: { retry: false },
  /** The host's policy forbids it. */
  Forbidden: { retry: false },
  /** A later operation on this cluster exists; this one must stop. */
  StaleEpoch: { retry: false },
  /** What was asked for does not exist. */
  NotFound: { retry: false },
  /** Two ends do not understand each other; a bug or another version. */
  Protocol: { retry: false },
  /** The host did not answer; the outcome of the question is unknown. */
  Unreachable: { retry: true },
  /** Somebody else works there at the moment. */
  Busy: { retry: true },
  /** It did not happen in time. */
  Timeout: { retry: true },
  /** A program at the host failed; it may be passing. */
  CommandFailed: { retry: true },
} as const;

export type FailureKind = keyof typeof failureKinds;

export const failureSchema = z.strictObject({
  kind: z.enum(Object.keys(failureKinds) as [FailureKind, ...FailureKind[]]),
  message: z.string().max(8192),
  /** What to do next, as a sentence. */
  help: z.string().max(2048).optional(),
  /** The host at the site where it happened, if it was one host. */
  host: z.string().max(256).optional(),
});
export type FailureDescription = z.infer<typeof failureSchema>;

/** An error of ours. The message says what happened and where; `help` says what to do next. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly help: string | undefined;
  /** The host at the site where it happened, if it was one host. */
  readonly host: string | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options: { help?: string; host?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.kind = kind;
    this.help = options.help;
    this.host = options.host;
  }

  get retryable(): boolean {
    return failureKinds[this.kind].retry;
  }

  describe(): FailureDescription {
    return {
      kind: this.kind,
      message: this.message.slice(0, 8192),
      ...(this.help === undefined ? {} : { help: this.help.slice(0, 2048) }),
      ...(this.host === undefined ? {} : { host: this.host.slice(0, 256) }),
    };
  }
}

export const permanentFailureKinds: FailureKind[] = (
  Object.keys(failureKinds) as FailureKind[]
).filter((kind) => !failureKinds[kind].retry);

/** Turns whatever was thrown into one of our failures; foreign errors become `fallback`. */
export function toFailure(error: unknown, fallback: FailureKind = 'CommandFailed'): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(fallback, message, { cause: error });
}

/** A zod error as one sentence per field: `sites.0.computes: must be at least 1`. */
export function describeZodError(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ` : '') + issue.message)
    .join('; ');
}

/**
 * Checks input at a border.
 *
 * @throws {Failure} BadInput naming each wrong field.
 */
export function parseInput<T extends z.ZodType>(
  schema: T,
  value: unknown,
  what: string,
): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Failure('BadInput', `${what} is not valid: ${describeZodError(result.error)}`);
}
