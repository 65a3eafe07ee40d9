import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { nodeStateSchema, type NodeState } from '../../domain/cluster.ts';
import { Failure, parseInput } from '../../domain/failure.ts';
import type { Watch } from '../../drivers/site/site-driver.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';
import { runInGuest, type GuestAddress } from './guest.ts';
import { someOf } from './some-of.ts';

/** Characters of base64: with what the guest agent adds, far below what one argument may have. */
const pieceLength = 48_000;

/** The scheduler is started again meanwhile, which takes an emulated frontend a while. */
const applyTimeoutMs = 180_000;
/** By which `update-nodes` says that a later operation was there before. */
const staleStatus = 3;
const pollEveryMs = 2_000;

const drainedSchema = z.object({
  /** Jobs that still run on the nodes. */
  jobs: z.int().min(0),
  /** The nodes that they run on. */
  nodes: z.array(z.string()),
});

/** Activities about the computes as the scheduler of a running frontend VM has them. */
export function createNodeActivities(drivers: SiteDrivers) {
  return {
    /** What the scheduler says of every compute that the frontend knows. */
    async nodeStates(input: { frontend: GuestAddress }): Promise<NodeState[]> {
      return activity(async (watch) => {
        const program = ['/usr/lib/mvc/node-states'];
        const output = await runInGuest(drivers, input.frontend, program, {}, watch);
        return parseOutput(z.array(nodeStateSchema), output, 'the list of node states');
      });
    },

    /**
     * Tells a running frontend its computes: those that it does not know are added, those that are not
     * in the archive forgotten. Nodes that stay, and their jobs, are not touched; the same archive again
     * changes nothing.
     */
    async configureNodes(input: {
      frontend: GuestAddress;
      /** Base64, from `nodesUpdate`. */
      archive: string;
    }): Promise<void> {
      return activity((watch) => tellNodes(drivers, input.frontend, input.archive, watch));
    },

    /** Lets the nodes take no new work, and waits until their jobs have ended. */
    async drainNodes(input: {
      frontend: GuestAddress;
      /** Names; one that the scheduler does not know has nothing to drain. */
      nodes: string[];
      timeoutMs: number;
    }): Promise<void> {
      return activity((watch) => drain(drivers, input, watch));
    },

    /** Lets nodes that `drainNodes` drained take work again. What others drained stays so. */
    async resumeNodes(input: { frontend: GuestAddress; nodes: string[] }): Promise<void> {
      if (input.nodes.length === 0) return;
      return activity(async (watch) => {
        const program = ['/usr/lib/mvc/resume-nodes'];
        await runInGuest(drivers, input.frontend, program, { stdin: lines(input.nodes) }, watch);
      });
    },
  };
}

/** The archive goes there in pieces, since the input of a program in a guest is limited. */
async function tellNodes(
  drivers: SiteDrivers,
  frontend: GuestAddress,
  archive: string,
  watch: Required<Watch>,
): Promise<void> {
  const program = '/usr/lib/mvc/update-nodes';
  const digest = createHash('sha256').update(Buffer.from(archive, 'base64')).digest('hex');
  const pieces = piecesOf(archive);
  for (const [index, stdin] of pieces.entries()) {
    watch.progress({ note: `list of nodes, piece ${index + 1} of ${pieces.length}` });
    const argv = [program, 'add', digest, String(index)];
    await runInGuest(drivers, frontend, argv, { stdin }, watch);
  }
  watch.progress({ note: 'the frontend takes up its list of nodes' });
  const argv = [program, 'apply', digest, String(pieces.length)];
  const options = { timeoutMs: applyTimeoutMs, failures: { [staleStatus]: 'StaleEpoch' } as const };
  await runInGuest(drivers, frontend, argv, options, watch);
}

function piecesOf(text: string): string[] {
  const count = Math.ceil(text.length / pieceLength);
  return Array.from({ length: count }, (_, index) =>
    text.slice(index * pieceLength, (index + 1) * pieceLength),
  );
}

async function drain(
  drivers: SiteDrivers,
  { frontend, nodes, timeoutMs }: { frontend: GuestAddress; nodes: string[]; timeoutMs: number },
  watch: Required<Watch>,
): Promise<void> {
  if (nodes.length === 0) return;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const program = ['/usr/lib/mvc/drain-nodes'];
    const output = await runInGuest(drivers, frontend, program, { stdin: lines(nodes) }, watch);
    const busy = parseOutput(drainedSchema, output, 'the answer of the drain program');
    if (busy.jobs === 0) return;
    const jobs = `${busy.jobs} ${busy.jobs === 1 ? 'job runs' : 'jobs run'}`;
    const note = `${jobs} on ${someOf(busy.nodes)}`;
    watch.progress({ note });
    if (Date.now() > deadline) throw stillBusy(frontend, note, timeoutMs);
    await sleep(pollEveryMs, undefined, { signal: watch.signal });
  }
}

function stillBusy({ operation }: GuestAddress, note: string, timeoutMs: number): Failure {
  return new Failure('Timeout', `after ${timeoutMs / 1000} s, still ${note}`, {
    help:
      'they take no new work, so it is enough to wait for the jobs or to cancel them; ' +
      `\`mvc resume ${operation.mark.cluster} --skip\` does not wait, and the jobs are cut off`,
  });
}

function lines(names: string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

/** @throws {Failure} CommandFailed if the program in the guest wrote something else. */
function parseOutput<T extends z.ZodType>(schema: T, output: string, what: string): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch (error) {
    throw new Failure('CommandFailed', `${what} is not JSON`, { cause: error });
  }
  return parseInput(schema, value, what);
}
