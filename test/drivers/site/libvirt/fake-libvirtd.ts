import { readFile } from 'node:fs/promises';
import type { RunResult, Shell } from '../../../../src/transport/shell.ts';

/** As `virsh domstats` tells it: virDomainState, and the reason. */
const states = { off: [5, 1], running: [1, 1], stalled: [3, 5], paused: [3, 1] } as const;
export type FakeState = keyof typeof states;

const looking = ['list', 'domstats', 'dumpxml', 'nodeinfo', 'domstate'];

/** What a host's libvirtd keeps, behind a shell that knows `virsh` alone. */
export interface FakeLibvirtd {
  shell: Shell;
  /** Domains by UUID. */
  domains: Map<string, { xml: string; state: FakeState }>;
  /** Commands that changed something, with their first argument's value where it matters. */
  changes: string[];
}

export function createFakeLibvirtd(): FakeLibvirtd {
  const domains: FakeLibvirtd['domains'] = new Map();
  const changes: string[] = [];

  const commands: Record<string, (args: string[]) => string | Promise<string>> = {
    list: () => [...domains.keys()].map((uuid) => `${uuid}\n`).join(''),
    domstats: () => [...domains.values()].map(statsOf).join('\n'),
    dumpxml: (args) => found(args).xml,
    nodeinfo: () => 'CPU(s):              8\nMemory size:         8388608 KiB\n',
    domstate: (args) => (found(args).state === 'off' ? 'shut off\n' : 'running\n'),
    define: async (args) => {
      const xml = await readFile(valueOf(args, '--file'), 'utf8');
      const uuid = /<uuid>(.*?)<\/uuid>/.exec(xml)?.[1] ?? '';
      domains.set(uuid, { xml, state: domains.get(uuid)?.state ?? 'off' });
      return '';
    },
    metadata: (args) => {
      const domain = found(args);
      const mark = valueOf(args, '--set').replace('<vm ', '<mvc:vm xmlns:mvc="urn:mvc:1" ');
      domain.xml = domain.xml.replace(/<mvc:vm .*?\/>/, mark);
      return '';
    },
    start: (args) => turn(args, 'running'),
    resume: (args) => turn(args, 'running'),
    destroy: (args) => turn(args, 'off'),
    undefine: (args) => {
      domains.delete(valueOf(args, '--domain'));
      return '';
    },
  };

  function turn(args: string[], state: FakeState): string {
    found(args).state = state;
    return '';
  }
  function found(args: string[]) {
    const domain = domains.get(valueOf(args, '--domain'));
    if (!domain) throw new Error('no domain with matching uuid');
    return domain;
  }

  async function run(argv: readonly string[]): Promise<RunResult> {
    const [program, , , , command = '', ...args] = argv;
    if (program !== 'virsh')
      return { exitCode: program === 'mke2fs' ? 0 : 1, stdout: '', stderr: '' };
    if (!looking.includes(command)) changes.push(command);
    try {
      return { exitCode: 0, stdout: (await commands[command]?.(args)) ?? '', stderr: '' };
    } catch (error) {
      return { exitCode: 1, stdout: '', stderr: `error: ${(error as Error).message}` };
    }
  }
  return { shell: { run }, domains, changes };
}

function valueOf(args: string[], option: string): string {
  return args[args.indexOf(option) + 1] ?? '';
}

function statsOf({ xml, state }: { xml: string; state: FakeState }): string {
  const [code, reason] = states[state];
  const name = /<name>(.*?)<\/name>/.exec(xml)?.[1];
  return `Domain: '${name}'\n  state.state=${code}\n  state.reason=${reason}\n`;
}
