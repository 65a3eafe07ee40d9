import type { MvcClient } from '../client/mvc-client.ts';
import type { StartedOperation } from '../client/cluster-runs.ts';
import type { WatchedProgress } from '../client/watched.ts';
import type { ClusterProgress } from '../domain/progress.ts';
import { parkedSummary, resultLines } from './operation-result.ts';
import { printJson, printLines } from './output.ts';
import { parkedSteps, ParkedWatch } from './parked.ts';
import { EventLines } from './event-lines.ts';
import { isLiveTerminal } from './live/live-terminal.ts';
import { ProgressView } from './progress-view.ts';
import { timeLeftOf } from './time-left.ts';

const interruptedExitCode = 130;
/** What is left of the operation is parked. */
const parkedExitCode = 8;

export interface FollowOptions {
  json?: boolean;
  /** Watch on while all is parked; otherwise that ends the watching. */
  untilEnd?: boolean;
  /** Every change as a line of JSON, the result among them. */
  events?: boolean;
}

interface View {
  show(progress: WatchedProgress): void;
  end(): void;
}

/**
 * Shows an operation on a cluster until its end, or until all that is left of it is parked; then how
 * it ended, or what to do. Ctrl-C stops only the watching.
 *
 * @throws {Failure} with which the operation ended.
 */
export async function followOperation(
  client: MvcClient,
  operation: StartedOperation,
  options: FollowOptions,
): Promise<'ended' | 'parked'> {
  if (options.events) return followEvents(client, operation, options);
  const begun = Date.now();
  const view = await viewFor(operation, options);
  const waiting = await watchProgress(client, operation, options, view);
  if (waiting) {
    reportParked(waiting, options);
    return 'parked';
  }
  const result = await client.result(operation);
  if (options.json) printJson(result);
  else printLines(resultLines(result, Date.now() - begun));
  return 'ended';
}

async function followEvents(
  client: MvcClient,
  operation: StartedOperation,
  options: FollowOptions,
): Promise<'ended' | 'parked'> {
  const lines = new EventLines();
  if (await watchProgress(client, operation, options, lines)) {
    process.exitCode = parkedExitCode;
    return 'parked';
  }
  try {
    lines.succeeded(await client.result(operation));
  } catch (error) {
    lines.failed(error);
    throw error;
  }
  return 'ended';
}

async function viewFor(operation: StartedOperation, { json }: FollowOptions): Promise<View> {
  if (json) return { show: () => {}, end: () => {} };
  const left = timeLeftOf(operation);
  if (!isLiveTerminal(process.stdout, process.env)) return new ProgressView(left);
  const { LiveView } = await import('./live/live-view.ts');
  return new LiveView(left);
}

function reportParked(progress: ClusterProgress, options: FollowOptions): void {
  process.exitCode = parkedExitCode;
  if (!options.json) return printLines(parkedSummary(progress, Date.now()));
  const { cluster, operation, steps } = progress;
  printJson({ cluster, operation, phase: 'parked', parked: parkedSteps(steps) });
}

/** Returns where the operation stood when all that was left was parked; undefined if it ended. */
async function watchProgress(
  client: MvcClient,
  operation: StartedOperation,
  options: FollowOptions,
  view: View,
): Promise<ClusterProgress | undefined> {
  const parked = new ParkedWatch();
  const stop = () => {
    view.end();
    stopWatching(operation.cluster);
  };
  process.once('SIGINT', stop);
  try {
    for await (const progress of client.watch(operation)) {
      view.show(progress);
      if (!options.untilEnd && parked.isSettled(progress.steps, Date.now())) return progress;
    }
    return undefined;
  } finally {
    view.end();
    process.removeListener('SIGINT', stop);
  }
}

function stopWatching(name: string): void {
  process.stderr.write(
    `stopped watching; the operation on ${name} goes on (\`mvc watch ${name}\`)\n`,
  );
  process.exit(interruptedExitCode);
}
