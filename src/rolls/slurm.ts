import type { Vm } from '../domain/vm.ts';
import { imageFiles } from './image-files.ts';
import type { Account, Cluster, Roll } from './roll.ts';
import { directory, file, type TarEntry } from './tar.ts';

// The number that Debian's package reserves for it.
const slurmAccount: Account = {
  name: 'slurm',
  id: 64030,
  home: '/nonexistent',
  shell: '/usr/sbin/nologin',
};

const mungeAccount: Account = {
  name: 'munge',
  id: 812,
  home: '/nonexistent',
  shell: '/usr/sbin/nologin',
};

/** The scheduler. Its configuration is the frontend's alone: the computes ask for it. */
export const slurmRoll: Roll = {
  name: 'slurm',
  summary: 'Slurm with munge: one partition over all sites',
  packages: ['slurmctld', 'slurmd', 'slurm-client', 'munge'],
  accounts: [slurmAccount, mungeAccount],
  image: [
    directory('var/spool/slurmctld', { owner: slurmAccount.id }),
    directory('var/spool/slurmd'),
    directory('var/log/slurm', { owner: slurmAccount.id }),
    ...imageFiles('slurm'),
  ],
  services: { frontend: ['munge', 'slurmctld'], compute: ['munge', 'slurmd'] },
  masked: [],
  frontendFiles: (cluster) => [
    mungeKey(cluster),
    file('etc/slurm/slurm.conf', slurmConfig(cluster)),
  ],
  nodeListFiles: ({ computes }) => [file('etc/slurm/nodes.conf', computes.map(nodeLine).join(''))],
  computeFiles: (cluster) => [mungeKey(cluster)],
};

function mungeKey({ secrets }: Cluster): TarEntry {
  const key = Buffer.from(secrets.mungeKey, 'base64');
  return file('etc/munge/munge.key', key, { mode: 0o400, owner: mungeAccount.id });
}

function slurmConfig({ cluster, frontend, rolls = [] }: Cluster): string {
  const lines = [
    '# Written by the controller; replaced at each boot.',
    `ClusterName=${cluster}`,
    `SlurmctldHost=${frontend.name}(${frontend.address})`,
    'SlurmctldParameters=enable_configless',
    'AuthType=auth/munge',
    'SlurmUser=slurm',
    'StateSaveLocation=/var/spool/slurmctld',
    'SlurmdSpoolDir=/var/spool/slurmd',
    'SlurmctldPidFile=/run/slurmctld.pid',
    'SlurmdPidFile=/run/slurmd.pid',
    'SlurmctldLogFile=/var/log/slurm/slurmctld.log',
    'SlurmdLogFile=/var/log/slurm/slurmd.log',
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'SwitchType=switch/none',
    'MpiDefault=pmix',
    '# A compute is installed anew at each boot, and serves again when it is back.',
    'ReturnToService=2',
    'SlurmctldTimeout=60',
    'SlurmdTimeout=60',
    'MessageTimeout=60',
    '# What the VMs were given counts, not what a node finds.',
    'SlurmdParameters=config_overrides',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core',
    // Its file, topology.conf, is that roll's.
    ...(rolls.includes('topology') ? ['TopologyPlugin=topology/tree'] : []),
    '# Apart, since the computes may change while the frontend runs.',
    'Include nodes.conf',
    '# The proof of the cluster does not wait behind the jobs of its user.',
    'PartitionName=verify Nodes=ALL Hidden=YES PriorityTier=10 MaxTime=5 State=UP',
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function nodeLine(vm: Vm): string {
  return (
    `NodeName=${vm.name} NodeAddr=${vm.address} CPUs=${vm.cpus} ` +
    `RealMemory=${realMemory(vm.memoryMiB)} State=UNKNOWN\n`
  );
}

/** What is left for jobs, MiB: the kernel and the services take theirs. */
function realMemory(memoryMiB: number): number {
  return memoryMiB - Math.max(96, Math.ceil(memoryMiB / 10));
}
