import type { ClusterSpec } from '../../../src/domain/cluster.ts';
import type { Outcome } from '../engine/server.ts';
import { installation, type Rig } from '../rig.ts';

type End = () => Promise<Outcome | undefined>;

/** An operation whose every call meets every fault. All begin with the cluster `c0` as `prepare` leaves it. */
export interface MatrixOperation {
  prepare(rig: Rig, spec: ClusterSpec): Promise<void>;
  /** Safe to ask for again. `end` waits for the end of what runs. */
  start(rig: Rig, spec: ClusterSpec, end: End): Promise<Outcome | undefined>;
  /** What is wrong at the end. */
  check(rig: Rig): string | undefined;
}

const hour = 3_600_000;

export const operations: Record<string, MatrixOperation> = {
  build: {
    prepare: async () => undefined,
    start: async (rig, spec, end) => {
      rig.client.start('build', 'c0', spec);
      return end();
    },
    check: (rig) => isReady(rig, 3),
  },
  'scale up': {
    prepare: build,
    start: async (rig, _spec, end) => {
      rig.client.start('scale', 'c0', { name: 'c0', sites: { s1: 3 } });
      return end();
    },
    check: (rig) => isReady(rig, 4),
  },
  'scale down': {
    prepare: build,
    start: async (rig, _spec, end) => {
      rig.client.start('scale', 'c0', { name: 'c0', sites: { s1: 1 } });
      return end();
    },
    check: (rig) => isReady(rig, 2),
  },
  stop: {
    prepare: build,
    start: async (rig, _spec, end) => {
      rig.client.start('stop', 'c0', { name: 'c0' });
      return end();
    },
    check: (rig) =>
      running(rig).length > 0 ? `${running(rig).join(', ')} still run` : isPhase(rig, 'stopped'),
  },
  start: {
    prepare: async (rig, spec) => {
      await build(rig, spec);
      rig.client.start('stop', 'c0', { name: 'c0' });
      await rig.client.ended('c0', hour);
    },
    start: async (rig, _spec, end) => {
      rig.client.start('start', 'c0', { name: 'c0' });
      return end();
    },
    check: (rig) => isReady(rig, 3),
  },
  repair: {
    prepare: async (rig, spec) => {
      await build(rig, spec);
      breakMuch(rig);
    },
    start: async (rig, _spec, end) => {
      rig.client.start('repair', 'c0', { name: 'c0' });
      return end();
    },
    check: (rig) => isReady(rig, 3),
  },
  destroy: {
    prepare: build,
    start: async (rig, _spec, end) => {
      await rig.client.destroy('c0');
      return end();
    },
    check: (rig) => (rig.tables.clusters.has('c0') ? 'the cluster is still recorded' : undefined),
  },
  cancel: {
    prepare: async (rig, spec) => {
      rig.client.start('build', 'c0', spec);
      await rig.client.sleep(1_500);
      await rig.client.cancel('c0');
    },
    start: async (rig, spec, end) => {
      rig.client.start('build', 'c0', spec);
      return end();
    },
    check: (rig) => isReady(rig, 3),
  },
};

async function build(rig: Rig, spec: ClusterSpec): Promise<void> {
  rig.client.start('build', 'c0', spec);
  await rig.client.ended('c0', hour);
}

/** A VM crashed, one gone, an edge and the supernode dead. */
function breakMuch({ world, checker, tables }: Rig): void {
  const id = tables.clusters.get('c0')?.id ?? '';
  const { s0, s1 } = world.state.sites;
  if (!s0 || !s1) throw new Error('the sites are missing');
  const crashed = s0.domains.find((domain) => domain.mark?.vm === 'compute-s0-0');
  if (crashed) crashed.power = 'crashed';
  checker.fell('s0', id, 'compute-s0-0');
  s1.domains = s1.domains.filter((domain) => domain.mark?.vm !== 'compute-s1-0');
  checker.fell('s1', id, 'compute-s1-0');
  checker.forget('s1', id, 'reserve', 'compute-s1-0');
  s1.edges = s1.edges.filter(({ edge }) => edge.vm !== 'compute-s1-1');
  checker.forget('s1', id, 'edge', 'compute-s1-1');
  s0.supernodes = [];
  checker.forget('s0', id, 'supernode', 's0');
}

function running({ world }: Rig): string[] {
  return Object.values(world.state.sites).flatMap((site) =>
    site.domains.flatMap(({ power, mark }) =>
      power === 'running' && mark?.mark.installation === installation ? [mark.vm] : [],
    ),
  );
}

function isPhase({ tables }: Rig, phase: string): string | undefined {
  const now = tables.clusters.get('c0')?.phase;
  return now === phase ? undefined : `the cluster is ${now ?? 'not recorded'}, not ${phase}`;
}

function isReady(rig: Rig, computes: number): string | undefined {
  const vms = rig.tables.vms.get('c0')?.length ?? 0;
  if (vms !== computes + 1) return `${vms} VMs are recorded, not ${computes + 1}`;
  const up = running(rig).length;
  if (up !== computes + 1) return `${up} VMs run, not ${computes + 1}`;
  const { sites } = rig.world.state;
  const edges = Object.values(sites).flatMap((site) => site.edges);
  const ours = edges.filter(({ mark }) => mark.installation === installation).length;
  if (ours !== computes + 1) return `${ours} edges are up, not ${computes + 1}`;
  if ((sites['s0']?.supernodes.length ?? 0) !== 1) return 'there is not one supernode';
  return isPhase(rig, 'ready');
}
