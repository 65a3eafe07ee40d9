import { clusterSpecSchema, type ClusterSpec } from '../../src/domain/cluster.ts';
import { memorySiteSchema, type MemorySite } from '../../src/domain/site.ts';
import type { Random } from './engine/random.ts';

/** Sites of a seed: few and small enough that clusters get into each other's way. */
export function drawSites(random: Random): MemorySite[] {
  return Array.from({ length: random.int(3, 4) }, (_, index) =>
    memorySiteSchema.parse({
      name: `s${index}`,
      kind: 'memory',
      containers: Array.from({ length: random.int(1, 3) }, (__, n) => ({
        name: `s${index}h${n}`,
        cpus: random.int(4, 12),
        memoryMiB: random.int(4, 16) * 1024,
      })),
      publicAddress: `192.0.2.${index + 1}`,
    }),
  );
}

export function drawSpec(random: Random, name: string, sites: MemorySite[]): ClusterSpec {
  const count = random.int(1, Math.min(3, sites.length));
  const chosen = shuffled(random, sites).slice(0, count);
  const counts = chosen.map((site) => ({ name: site.name, computes: random.int(1, 3) }));
  return clusterSpecSchema.parse({
    name,
    origin: random.pick(counts).name,
    sites: counts,
    overlay: { kind: 'memory' },
    compute: { cpus: random.int(1, 2), memoryMiB: random.pick([512, 1024]) },
  });
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
