import type { ServiceName } from './services-state.ts';

/** How a process is started: an argument list, never a command string. */
export interface Launch {
  argv: [string, ...string[]];
  env: NodeJS.ProcessEnv;
}

/** One of the programs that the supervisor keeps running. */
export interface Service {
  name: ServiceName;
  /** What it is called in front of people. */
  title: string;
  /** Services that must answer before this one starts. */
  needs: ServiceName[];
  port?: number;
  /** Makes ready what the process needs, each time before it starts. */
  prepare(): Promise<Launch>;
  /** @throws saying why it is not healthy. */
  checkHealth(startedAt: number): Promise<void>;
  /** What must be done once after each start, before others may use it. Safe to repeat. */
  setUp?(): Promise<void>;
  stopSignal: NodeJS.Signals;
  /** How long it may take to end in peace. */
  stopWithinMs: number;
  /** After how long without health it is taken for hung, and started again. */
  hungAfterMs: number;
}
