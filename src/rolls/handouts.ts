import type { Vm } from '../domain/vm.ts';
import { mvcAccount } from './base.ts';
import { renderEnvironment } from './environment.ts';
import { nodeToken, tokenDigest } from './node-token.ts';
import type { Cluster, Roll } from './roll.ts';
import { directory, file, renderTar, type TarEntry } from './tar.ts';

const owner = mvcAccount.id;
const hidden = { mode: 0o400, owner };

/** What every compute gets from the frontend's HTTP server, secrets included. */
export function commonHandout(cluster: Cluster, rolls: Roll[]): TarEntry {
  const common = rolls.flatMap((roll) => roll.computeFiles(cluster));
  return file('var/lib/mvc/nodes/common.tar', renderTar(common, { end: false }), hidden);
}

/**
 * Whom the frontend's HTTP server gives what; readable by that server alone. There is no secret in
 * them: a token is known by its digest, and a node's own files are its name and its site.
 */
export function nodeHandouts(cluster: Cluster): TarEntry[] {
  return [
    ...['nodes', 'tokens', 'macs'].map((name) =>
      directory(`var/lib/mvc/${name}`, { mode: 0o700, owner }),
    ),
    ...cluster.computes.flatMap((vm) => [
      file(`var/lib/mvc/nodes/${vm.name}.tar`, renderTar(nodeFiles(vm)), hidden),
      file(`var/lib/mvc/tokens/${digestOf(cluster, vm)}`, `${vm.name} ${vm.address}\n`, hidden),
      file(`var/lib/mvc/macs/${vm.mac.replaceAll(':', '-')}`, `${vm.name}\n`, hidden),
    ]),
  ];
}

/** Follows the common files. The last one tells the first stage that nothing is missing. */
function nodeFiles(vm: Vm): TarEntry[] {
  const values = { ROLE: 'compute', HOSTNAME: vm.name, SITE: vm.site };
  return [
    file('etc/hostname', `${vm.name}\n`),
    file('etc/mvc/node.env', renderEnvironment(values)),
  ];
}

function digestOf(cluster: Cluster, vm: Vm): string {
  return tokenDigest(nodeToken(cluster.secrets, vm.name));
}
