import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterSpec } from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import type { Edge, OverlayTable } from '../domain/overlay.ts';
import type { ClusterPlan } from '../domain/plan.ts';
import type { Ledger } from '../domain/plan-input.ts';
import type { Vm } from '../domain/vm.ts';
import { AllocationTaken, explainClash } from './clashes.ts';
import { findCluster, insertCluster, type ClusterRecord } from './clusters.ts';
import type { Database } from './database.ts';
import { normalized } from './json.ts';
import { readLedger } from './ledger.ts';
import { findOverlay, insertOverlay } from './overlays.ts';
import { inTransaction, violationOf } from './transaction.ts';
import { insertVms, listVms, type VmRecord } from './vms.ts';

/** Planners that may be at work at once, more or less. */
const rounds = 50;

/** All of a cluster that was recorded before any site was asked. */
export interface RecordedPlan {
  cluster: ClusterRecord;
  /** The frontend first. */
  vms: VmRecord[];
  overlay: OverlayTable;
}

/** What to record: of the plan, the warnings are not kept. */
export interface NewPlan {
  installation: string;
  spec: ClusterSpec;
  plan: Pick<ClusterPlan, 'clusterId' | 'network' | 'vms' | 'overlay'>;
}

/**
 * Records a cluster with VMs, interfaces, overlay, edges and ports: all or nothing. Safe to repeat:
 * the same plan of the same cluster id gives what is there, with the states it has by now.
 *
 * @throws {Failure} Conflict if the name is taken, a site is gone, or the plan of this cluster id is
 *   recorded with other content; AllocationTaken (a Conflict, see clashes.ts) if another cluster was
 *   first with a network, MAC, address or port: then plan again.
 */
export async function recordPlan(db: Database, input: NewPlan): Promise<RecordedPlan> {
  checkAgreement(input);
  const before = await findSame(db, input);
  if (before) return before;
  try {
    await inTransaction(db, (tx) => insertPlan(tx, input));
  } catch (error) {
    const violation = violationOf(error);
    if (!violation) throw error;
    // Perhaps another attempt at this very plan was first.
    const meanwhile = await findSame(db, input);
    if (meanwhile) return meanwhile;
    throw await explainClash(db, input.spec.name, violation, error);
  }
  const recorded = await findPlan(db, input.spec.name);
  if (recorded) return recorded;
  throw new Failure('Conflict', `cluster ${input.spec.name} was destroyed while it was recorded`);
}

/**
 * Plans and records, again while other clusters are faster with the same network, port or address:
 * each round at least one of all planners gets through.
 *
 * @param decide makes the plan from what is in use by now.
 * @throws {Failure} as `recordPlan` and `decide`.
 */
export async function planAndRecord(
  db: Database,
  sites: string[],
  decide: (ledger: Ledger) => NewPlan | Promise<NewPlan>,
): Promise<RecordedPlan> {
  return againWhileTaken(async () => recordPlan(db, await decide(await readLedger(db, sites))));
}

/**
 * Runs `attempt` again while other clusters are faster with what it wanted.
 *
 * @throws {Failure} what `attempt` throws; a broken constraint as a sentence, if `explain` has one.
 */
async function againWhileTaken<T>(
  attempt: () => Promise<T>,
  explain: (error: unknown) => Promise<unknown> = async (error) => error,
): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await attempt();
    } catch (error) {
      const failure = await explain(error);
      if (!(failure instanceof AllocationTaken) || round === rounds) throw failure;
      await sleep(Math.random() * 200);
    }
  }
}

/**
 * Plans a change and records it, again while other clusters are faster: `body` runs in a transaction
 * of its own each time, and whatever it throws leaves everything as it was.
 *
 * @throws {Failure} what `body` throws; as `recordPlan` for what another cluster has.
 */
export async function changeInTransaction<T>(
  db: Database,
  cluster: string,
  body: (tx: Database) => Promise<T>,
): Promise<T> {
  return againWhileTaken(
    () => inTransaction(db, body),
    async (error) => {
      const violation = violationOf(error);
      return violation ? explainClash(db, cluster, violation, error) : error;
    },
  );
}

/** Reads the plan of a cluster in one snapshot. */
export async function findPlan(db: Database, name: string): Promise<RecordedPlan | undefined> {
  const read = async (tx: Database) => {
    const cluster = await findCluster(tx, name);
    const overlay = await findOverlay(tx, name);
    return cluster && overlay && { cluster, vms: await listVms(tx, name), overlay };
  };
  if (db.isTransaction) return read(db);
  return db.transaction().setIsolationLevel('repeatable read').execute(read);
}

async function insertPlan(tx: Database, { installation, spec, plan }: NewPlan): Promise<void> {
  const { clusterId, network, vms, overlay } = plan;
  await insertCluster(tx, { id: clusterId, installation, spec, network, mtu: overlay.mtu });
  await insertVms(tx, { name: spec.name, network }, vms);
  await insertOverlay(tx, spec.name, overlay);
}

/** The recorded plan if it is this one; undefined if the name is free. */
async function findSame(db: Database, input: NewPlan): Promise<RecordedPlan | undefined> {
  const { spec, plan, installation } = input;
  const found = await findPlan(db, spec.name);
  if (!found) return undefined;
  if (found.cluster.id !== plan.clusterId || found.cluster.installation !== installation) {
    throw new Failure('Conflict', `there is already a cluster named ${spec.name}`, {
      help: `choose another name, or \`mvc destroy ${spec.name}\` first`,
    });
  }
  const theirs = { spec: found.cluster.spec, network: found.cluster.network };
  const recorded = { ...theirs, vms: found.vms.map(withoutState), overlay: found.overlay };
  const wanted = { spec, network: plan.network, vms: plan.vms, overlay: plan.overlay };
  if (isDeepStrictEqual(normalized(recorded), normalized(wanted))) return found;
  throw new Failure('Conflict', `cluster ${spec.name} is recorded already, with another plan`, {
    help: 'go on with the recorded plan, or destroy the cluster first',
  });
}

function withoutState({ state: _state, ...vm }: VmRecord): Vm {
  return vm;
}

/** The database keeps each fact once; here it is checked that the plan says the same everywhere. */
function checkAgreement({ spec, plan }: NewPlan): void {
  const { overlay, network } = plan;
  const vms = new Map(plan.vms.map((vm) => [vm.name, vm]));
  const disagree = overlay.edges.find((edge) => !sameNode(edge, vms.get(edge.vm)));
  if (disagree) {
    throw new Failure('BadInput', `plan of ${spec.name}: edge of ${disagree.vm} is not of its VM`);
  }
  if (overlay.network !== network) {
    throw new Failure('BadInput', `plan of ${spec.name}: the overlay's network is another one`);
  }
}

function sameNode(edge: Edge, vm: Vm | undefined): boolean {
  return (
    vm !== undefined &&
    edge.mac === vm.mac &&
    edge.address === vm.address &&
    edge.site === vm.site &&
    edge.container === vm.container
  );
}
