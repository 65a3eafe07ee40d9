/** Result of a program that ended by itself. */
export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string | Uint8Array;
  /** Milliseconds until the program is ended and a Timeout failure thrown; 30,000 by default. */
  timeoutMs?: number;
  signal?: AbortSignal;
  env?: Record<string, string>;
}

/** Runs programs on one machine. Arguments are a list, never a command string. */
export interface Shell {
  /**
   * Runs a program to its end. A non-zero exit is a result, not an error.
   *
   * @throws {Failure} MissingTool, Timeout, or CommandFailed when ended by a signal.
   */
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>;
}
