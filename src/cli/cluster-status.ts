import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterPhase, OperationKind } from '../domain/cluster.ts';
import type { Condition, ParkedStep, VerifyReport } from '../domain/cluster.ts';
import { toFailure } from '../domain/failure.ts';
import { insecureReasonOf, type ClusterPaths, type OverlayTable } from '../domain/overlay.ts';
import type { Vm } from '../domain/vm.ts';
import { webInterfaceSettings } from '../installation/settings.ts';
import type { Database } from '../store/database.ts';
import { withClient, withStore } from './context.ts';
import { noSuchCluster } from './no-such-cluster.ts';
import { parkedSteps } from './parked.ts';
import { UiLinks } from './ui-links.ts';

/** What `status` waits for paths at most. */
const pathsWithinMs = 4000;

/** What is known of one cluster: by the store, and by the operation that runs on it. */
export interface ClusterStatus extends Partial<RecordedStatus> {
  name: string;
  phase: ClusterPhase;
  conditions: Condition[];
  operation?: OperationStatus;
  /** How its VM containers reach each other, where the overlay chooses paths: added by `pathsSoon`. */
  paths?: ClusterPaths;
  /** Why the workflow engine could not be asked what runs. */
  engineSilent?: string;
  /** The operation in the web interface, or all of this cluster's if none runs. */
  uiUrl?: string;
}

export interface OperationStatus {
  kind: OperationKind;
  runId: string;
  phase: ClusterPhase;
  message: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  parked: ParkedStep[];
}

interface RecordedStatus {
  name: string;
  phase: ClusterPhase;
  conditions: Condition[];
  network: string;
  overlay: RecordedOverlay | undefined;
  vms: (Pick<Vm, 'name' | 'site' | 'container' | 'mac' | 'address' | 'role'> & { state: string })[];
  rtt: VerifyReport['rtt'];
}

interface RecordedOverlay {
  kind: string;
  version: string;
  relayOnly: boolean;
  mtu: number;
  secure: boolean;
  insecureReason?: string;
}

/**
 * Asks the store and the engine. Either may know of the cluster alone: a build that could not
 * register its sites has no record yet, and the engine may be away.
 *
 * @throws {Failure} NotFound if neither knows of it.
 */
export async function clusterStatus(name: string): Promise<ClusterStatus> {
  const [recorded, asked] = await Promise.all([
    withStore((db) => recordedStatus(db, name)),
    runningOperation(name),
  ]);
  const silent = asked.silent === undefined ? {} : { engineSilent: asked.silent };
  const running = asked.operation === undefined ? {} : { operation: asked.operation };
  const ui = asked.silent === undefined ? await inWebInterface(name, asked.operation) : {};
  if (recorded) return { ...recorded, ...running, ...silent, ...ui };
  if (!asked.operation) throw noSuchCluster(name, asked.silent);
  return { name, phase: asked.operation.phase, conditions: [], ...running, ...ui };
}

/**
 * Asked of the VM containers, which know their paths now: that takes a second or more. Without an answer soon,
 * none are told.
 */
export async function pathsSoon(status: ClusterStatus): Promise<ClusterPaths | undefined> {
  const { name, phase, overlay, engineSilent } = status;
  if (overlay?.kind !== 'routed' || phase !== 'ready' || engineSilent !== undefined)
    return undefined;
  // Within the use of the client: that it is closed ends the question that is too late.
  return withClient((client) =>
    Promise.race([client.paths(name), sleep(pathsWithinMs, undefined, { ref: false })]),
  ).catch(() => undefined);
}

async function inWebInterface(
  cluster: string,
  running: OperationStatus | undefined,
): Promise<{ uiUrl?: string }> {
  const found = await webInterfaceSettings();
  if (!found) return {};
  const links = new UiLinks(found);
  const uiUrl = running
    ? links.operation({ cluster, runId: running.runId })
    : links.operationsOn(cluster);
  return { uiUrl };
}

async function recordedStatus(db: Database, name: string): Promise<RecordedStatus | undefined> {
  const { findCluster } = await import('../store/clusters.ts');
  const { listVms } = await import('../store/vms.ts');
  const { findOverlay } = await import('../store/overlays.ts');
  const cluster = await findCluster(db, name);
  if (!cluster) return undefined;
  const vms = await listVms(db, name);
  const overlay = await findOverlay(db, name);
  return {
    name,
    phase: cluster.phase,
    conditions: cluster.conditions,
    network: cluster.network,
    overlay: overlay && {
      kind: overlay.kind,
      version: overlay.version,
      relayOnly: overlay.relayOnly,
      mtu: overlay.mtu,
      ...securityOf(overlay),
    },
    vms: vms.map(({ name: vm, site, container, mac, address, role, state }) => ({
      name: vm,
      site,
      container,
      mac,
      address,
      role,
      state,
    })),
    rtt: cluster.verify?.rtt ?? [],
  };
}

/** An engine that is away is no failure of `status`: what is recorded can be told without it. */
async function runningOperation(
  name: string,
): Promise<{ operation?: OperationStatus; silent?: string }> {
  try {
    const running = await withClient((client) => client.running(name));
    if (!running) return {};
    const { kind, runId, startedAt, progress } = running;
    const { phase, message, steps } = progress;
    return { operation: { kind, runId, phase, message, startedAt, parked: parkedSteps(steps) } };
  } catch (error) {
    return { silent: toFailure(error).message };
  }
}

function securityOf(overlay: OverlayTable): { secure: boolean; insecureReason?: string } {
  const insecureReason = insecureReasonOf(overlay);
  return {
    secure: insecureReason === undefined,
    ...(insecureReason === undefined ? {} : { insecureReason }),
  };
}
