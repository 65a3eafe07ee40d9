import { randomBytes } from 'node:crypto';
import { defaultRolls } from '../../../src/domain/cluster.ts';
import type { Vm } from '../../../src/domain/vm.ts';
import type { ClusterContext, ClusterSecrets } from '../../../src/rolls/roll.ts';
import { generateSshKey } from '../../../src/transport/ssh-key.ts';

/** A compute that the cluster does not have when its frontend is made. */
export const laterCompute: Vm = vm('compute-cloud-1', 4, 'cloud', 512);

/** A cluster over three sites: the frontend at alpine, one compute each at beach and cloud. */
export function demoCluster(): { context: ClusterContext; secrets: ClusterSecrets } {
  return {
    context: {
      cluster: 'demo',
      epoch: 1,
      network: '10.77.1.0/24',
      mtu: 1400,
      vms: [
        { ...vm('frontend', 1, 'alpine', 768), diskGiB: 2, siteInterface },
        vm('compute-beach-0', 2, 'beach', 512),
        vm('compute-cloud-0', 3, 'cloud', 512),
      ],
      siteNetwork: {
        bridge: 'lan0',
        gateway: '192.168.10.1',
        prefixLength: 24,
        addresses: ['192.168.10.100'],
      },
      sshKeys: [],
      rolls: defaultRolls,
    },
    secrets: {
      mungeKey: randomBytes(128).toString('base64'),
      tokenKey: randomBytes(32).toString('base64url'),
      hostKeys: { frontend: generateSshKey('frontend'), compute: generateSshKey('compute') },
      userKey: generateSshKey('hpc'),
    },
  };
}

const siteInterface = { bridge: 'lan0', mac: '02:00:5e:10:80:01', address: '192.168.10.100' };

function vm(name: string, index: number, site: string, memoryMiB: number): Vm {
  return {
    name,
    role: name === 'frontend' ? 'frontend' : 'compute',
    site,
    container: 'h1',
    mac: `02:00:5e:10:00:0${index}`,
    address: `10.77.1.${index}`,
    cpus: 1,
    memoryMiB,
  };
}
