import type { Mark, Operation } from '../../../domain/mark.ts';
import type { Edge } from '../../../domain/overlay.ts';
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
  edges: { mark: Mark; edge: Edge }[];
  /** On the physical frontend. */
  supernodes: Mark[];
}

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Any site if absent. */
  site?: string;
  /** Name of the driver's verb, e.g. `startVms` or `overlay.apply`; any if absent. */
  verb?: string;
  /** `before`: nothing has happened. `after`: it has happened, only the answer is lost. */
  when: 'before' | 'after';
  /** Calls that go well first; 0 by default. */
  skip?: number;
  /** Calls that fail then; 1 by default. */
  times?: number;
  /** Unreachable by default. */
  kind?: FailureKind;
}

export interface WorldState {
  sites: Record<string, MemorySiteState>;
  faults: Fault[];
  /** Sites that answer nothing. */
  unreachable: string[];
  /** Names of VMs that never come up. */
  stuck: string[];
}

/** Something that was changed at a site. */
export interface WorldEvent {
  /** Milliseconds since 1970. */
  at: number;
  site: string;
  clusterId: string;
  effect:
    | 'reserve'
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
  return { sites: {}, faults: [], unreachable: [], stuck: [] };
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
