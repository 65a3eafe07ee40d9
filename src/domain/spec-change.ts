import { clusterSpecSchema, type ClusterSpec } from './cluster.ts';
import { Failure, parseInput } from './failure.ts';
import type { RecordedCluster } from './recorded-cluster.ts';
import { diffSpecs } from './spec-diff.ts';
import { isMade } from './vm-state.ts';

/** Fields that a recorded cluster keeps for good: everything in it follows from them. */
const lasting = ['name', 'origin', 'overlay'];
/** Fields that are in the frontend's disk. */
const installed = ['frontend', 'rolls'];

/**
 * Refuses a spec that this cluster cannot be changed to: what was decided at its beginning stays, and
 * so does what the frontend was installed with.
 *
 * @throws {Failure} Conflict naming the field, and what helps.
 */
export function refuseImpossible(recorded: RecordedCluster, spec: ClusterSpec): void {
  const { name } = recorded.spec;
  const lines = diffSpecs(recorded.spec, spec);
  const made = recorded.wasReady || recorded.vms.some(isMade);
  const fixed = made ? [...lasting, ...installed] : lasting;
  const refused = lines.find((line) => fixed.includes(line.split(/[.:]/)[0] ?? ''));
  if (refused !== undefined) throw fixedFor(recorded, refused);
  if (spec.network !== undefined && spec.network !== recorded.network) {
    throw fixedFor(recorded, `network: ${recorded.network} → ${spec.network}`);
  }
  const stopped = recorded.vms.filter((vm) => vm.state === 'stopped' && vm.role === 'compute');
  if (stopped.length > 0 && lines.some((line) => line.startsWith('compute.'))) {
    throw new Failure(
      'Conflict',
      `the size of computes cannot be changed while ${stopped.map((vm) => vm.name).join(', ')} of cluster ${name} are stopped`,
      { help: `\`mvc start ${name}\` first` },
    );
  }
}

function fixedFor({ spec: { name, overlay } }: RecordedCluster, line: string): Failure {
  // Often it was not said at all, and the default has become another.
  const leave = line.startsWith('overlay.kind:')
    ? ` (\`--overlay ${overlay.kind}\`, or \`overlay.kind\` of the file)`
    : '';
  return new Failure('Conflict', `cluster ${name} cannot be changed to this spec: ${line}`, {
    help: `leave that as it is${leave}, or \`mvc destroy ${name}\` and create the cluster anew`,
  });
}

/**
 * A spec with other numbers of computes: 0 takes a site out, unless it is the origin; a site that
 * was not in it joins at the end.
 *
 * @throws {Failure} BadInput if that is no valid spec.
 */
export function scaledSpec(spec: ClusterSpec, computes: Record<string, number>): ClusterSpec {
  const kept = spec.sites.map(({ name, computes: n }) => ({ name, computes: computes[name] ?? n }));
  const known = new Set(kept.map((site) => site.name));
  const joining = Object.entries(computes)
    .filter(([name]) => !known.has(name))
    .map(([name, n]) => ({ name, computes: n }));
  const sites = [...kept, ...joining].filter(
    (site) => site.computes !== 0 || site.name === spec.origin,
  );
  return parseInput(clusterSpecSchema, { ...spec, sites }, `the changed spec of ${spec.name}`);
}
