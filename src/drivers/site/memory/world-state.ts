import type { Mark, Operation } from '../../../domain/mark.ts';
import type { Edge } from '../../../domain/overlay.ts';
import type { Topology } from '../../../domain/topology.ts';
import type { ClusterUser } from '../../../domain/users.ts';
import type { VmDefinition } from '../../../domain/vm.ts';
import type { FailureKind } from '../../../domain/failure.ts';
import type { PresentDomain } from '../reservation.ts';

/** A domain at a memory site. One without mark belongs to somebody else. */
export interface MemoryDomain extends PresentDomain {
  container: string;
  mark?: NonNullable<PresentDomain['mark']> & {
    definition: VmDefinition;
    /** Its disks and its seed are made. */
    complete: boolean;
    /** Milliseconds since 1970, while it runs. */
    startedAt?: number;
  };
}

export interface MemorySiteState {
  /** Cluster id → the newest operation seen. */
  operations: Record<string, Operation>;
  domains: MemoryDomain[];
  /** VM container → digests of its images. */
  images: Record<string, string[]>;
  edges: MemoryEdge[];
  /** On the physical frontend. */
  supernodes: Mark[];
  /** Cluster ids of supernodes that were killed, until they are started anew. */
  deadSupernodes?: string[];
}

export interface MemoryEdge {
  mark: Mark;
  edge: Edge;
  /** It was killed, and nothing has started it anew. */
  dead?: true;
}

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Any site if absent. */
  site?: string;
  /** Name of the driver's verb, e.g. `startVms` or `overlay.apply`; any if absent. */
  verb?: string;
  /**
   * `before`: nothing has happened. `after`: it has happened, only the answer is lost. `late`: it
   * happens and is answered, only later.
   */
  when: 'before' | 'after' | 'late';
  /** Milliseconds that the call takes longer, whatever becomes of it; 0 by default. */
  delayMs?: number;
  /** Calls that go well first; 0 by default. */
  skip?: number;
  /** Calls that are struck then; 1 by default. */
  times?: number;
  /** Unreachable by default. */
  kind?: FailureKind;
}

/** What a frontend VM has on its disks. */
export interface FrontendState {
  /** Of the operation that told it its computes. */
  epoch: number;
  /** Names of the computes that it knows, by its seed or by an update. */
  told: string[];
  /** Computes that get no new work. */
  drained: string[];
  /** Digest of an archive → the pieces of it that have come. */
  pieces: Record<string, string[]>;
  /** Those who were added to its own. */
  users?: ClusterUser[];
  /** As it was measured last. */
  topology?: Topology;
}

export interface WorldState {
  sites: Record<string, MemorySiteState>;
  /** By cluster id. */
  frontends: Record<string, FrontendState>;
  faults: Fault[];
  /** Sites that answer nothing. */
  unreachable: string[];
  /** Names of VMs that never come up. */
  stuck: string[];
  /** Names of VMs on which a job runs. */
  busy: string[];
}

/** Something that was changed at a site. */
export interface WorldEvent {
  /** Milliseconds since 1970. */
  at: number;
  site: string;
  clusterId: string;
  effect:
    | 'reserve'
    | 'renew'
    | 'define'
    | 'release'
    | 'complete'
    | 'start'
    | 'stop'
    | 'remove'
    | 'image'
    | 'edge'
    | 'remove edge'
    | 'supernode'
    | 'remove supernode';
  /** Of the VM; for an image the VM container, for a supernode the site. */
  name: string;
}

export function emptyWorld(): WorldState {
  return { sites: {}, frontends: {}, faults: [], unreachable: [], stuck: [], busy: [] };
}

export function siteState(world: WorldState, site: string): MemorySiteState {
  return (world.sites[site] ??= {
    operations: {},
    domains: [],
    images: {},
    edges: [],
    supernodes: [],
  });
}
