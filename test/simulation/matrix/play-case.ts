import { clusterSpecSchema } from '../../../src/domain/cluster.ts';
import { memorySiteSchema } from '../../../src/domain/site.ts';
import { createRig, play, type Rig } from '../rig.ts';
import { furnish } from '../furnish.ts';
import { leftovers } from '../leftovers.ts';
import { notRunning } from '../phases.ts';
import type { MatrixCall, MatrixCase } from './cases.ts';
import { MatrixFaults } from './matrix-faults.ts';
import { operations, type MatrixOperation } from './operations.ts';

export interface Played {
  violations: string[];
  lines: string[];
  digest: string;
  counts: Record<string, number>;
}

const minute = 60_000;
const seed = 4711;

/** An operation without faults: what it calls. */
export async function recordCalls(operation: string): Promise<Played & { calls: MatrixCall[] }> {
  const faults = new MatrixFaults(undefined);
  const played = await playWith(operationOf(operation), faults);
  return { ...played, calls: faults.calls.map((call) => ({ operation, ...call })) };
}

/** An operation with one fault: it must end in a right state, perhaps after somebody has looked. */
export async function runCase(one: MatrixCase): Promise<Played> {
  const faults = new MatrixFaults(one);
  const played = await playWith(operationOf(one.call.operation), faults);
  if (!faults.struck) played.violations.push('the fault did not strike: the call was not made');
  return played;
}

function operationOf(name: string): MatrixOperation {
  const operation = operations[name];
  if (operation) return operation;
  throw new Error(`there is no operation ${name}`);
}

async function playWith(operation: MatrixOperation, faults: MatrixFaults): Promise<Played> {
  const sites = ['s0', 's1'].map((name, index) =>
    memorySiteSchema.parse({
      name,
      kind: 'memory',
      containers: ['h0', 'h1'].map((host) => ({
        name: `${name}${host}`,
        cpus: 8,
        memoryMiB: 16_384,
      })),
      publicAddress: `192.0.2.${index + 1}`,
    }),
  );
  const spec = clusterSpecSchema.parse({
    name: 'c0',
    origin: 's0',
    sites: [
      { name: 's0', computes: 1 },
      { name: 's1', computes: 2 },
    ],
    overlay: { kind: 'memory' },
  });
  const counts: Record<string, number> = {};
  const rig = createRig({ seed, sites, bootDelayMs: 4_000, faults: () => faults });
  const script = async () => {
    await furnish(rig, sites);
    rig.checker.remember(rig.world.state);
    await operation.prepare(rig, spec);
    faults.begin();
    const how = await goesWell(rig, operation, spec, faults);
    counts[how] = 1;
    faults.end();
    // Whatever was killed or stalled has ended by then.
    await rig.client.sleep(5 * minute);
    const wrong = operation.check(rig);
    if (wrong !== undefined) rig.checker.fail(wrong);
    const lame = rig.tables.clusters.get('c0')?.phase === 'ready' ? running(rig) : [];
    if (lame.length > 0) rig.checker.fail(`ready, but ${lame.join(', ')} do not run`);
    await rig.client.destroy('c0');
    await rig.client.ended('c0', 60 * minute);
    for (const left of leftovers(rig)) rig.checker.fail(left);
  };
  await play(rig, script());
  const { lines, checker } = rig;
  return { violations: checker.violations, lines, digest: rig.digest(), counts };
}

function running(rig: Rig): string[] {
  return notRunning(rig.tables, rig.world.state, 'c0').map((vm) => vm.name);
}

/** Runs the operation to its end: resumes what is parked, and asks once more for what was refused. */
async function goesWell(
  rig: Rig,
  operation: MatrixOperation,
  spec: Parameters<MatrixOperation['start']>[1],
  faults: MatrixFaults,
): Promise<'went on' | 'parked' | 'refused'> {
  let how: 'went on' | 'parked' | 'refused' = 'went on';
  for (let round = 1; round <= 3; round += 1) {
    const outcome = await operation.start(rig, spec, async () => {
      for (let looks = 0; looks < 100; looks += 1) {
        const ended = await rig.client.ended('c0', 2 * minute);
        if (ended) return ended;
        if ((await rig.client.parked('c0')).length === 0) continue;
        how = 'parked';
        faults.heal();
        await rig.client.resume('c0', {});
      }
      return undefined;
    });
    if (outcome?.kind === 'completed') return how;
    rig.log(`! ended otherwise: ${JSON.stringify(outcome ?? 'not at all').slice(0, 300)}`);
    how = 'refused';
    faults.heal();
  }
  rig.checker.fail('it does not end well, however often it is asked for');
  return how;
}
