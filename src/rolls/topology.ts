import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFiles } from './image-files.ts';
import type { Cluster, Roll } from './roll.ts';
import { file } from './tar.ts';

/** No site can have this name: it has no underscore. */
const aboveAllSites = 'every_site';

/** How far sites are apart, for applications and for the scheduler, which can keep a job within one. */
export const topologyRoll: Roll = {
  name: 'topology',
  summary: 'latency and bandwidth between sites, as JSON and as topology of the scheduler',
  packages: [],
  accounts: [],
  image: imageFiles('topology'),
  build: {
    // Those of the roll `mpi`, which is there in any case.
    tools: [],
    script: readFileSync(join(import.meta.dirname, 'files/topology-build.sh'), 'utf8'),
  },
  services: { frontend: [], compute: [] },
  masked: [],
  frontendFiles: () => [],
  nodeListFiles: (cluster) => [file('etc/slurm/topology.conf', schedulerTopology(cluster))],
  computeFiles: () => [],
};

/** A switch for each site, and one above them: `--switches=1` is a job within one site. */
function schedulerTopology({ computes }: Cluster): string {
  const sites = Map.groupBy(computes, (vm) => vm.site);
  const leaves = [...sites].map(
    ([site, vms]) => `SwitchName=${site} Nodes=${vms.map((vm) => vm.name).join(',')}\n`,
  );
  const root = `SwitchName=${aboveAllSites} Switches=${[...sites.keys()].join(',')}\n`;
  return [...leaves, ...(sites.size > 1 ? [root] : [])].join('');
}
