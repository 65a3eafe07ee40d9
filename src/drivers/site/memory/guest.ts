import type { VerifyReport } from '../../../domain/cluster.ts';
import type { Mark } from '../../../domain/mark.ts';
import { sameMark } from '../../../domain/mark.ts';
import type { MemoryDomain, WorldState } from './world-state.ts';

interface Output {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What a program in a frontend VM of a memory site sees. */
export interface GuestView {
  world: WorldState;
  mark: Mark;
  bootDelayMs: number;
}

type Program = (view: GuestView, stdin: string) => Output;

/** The programs that a node image has for the controller, as far as a memory VM can play them. */
const programs: Record<string, Program> = {
  '/usr/lib/mvc/frontend-ready': () => output('ready\n'),
  '/usr/lib/mvc/clock': () => output(`${seconds(Date.now())}\n`),
  '/usr/lib/mvc/node-states': (view) =>
    output(`${JSON.stringify(computesOf(view).map((compute) => nodeState(view, compute)))}\n`),
  '/usr/lib/mvc/verify': verify,
};

export function runProgram(view: GuestView, argv: string[], stdin: string): Output {
  const program = programs[argv[0] ?? ''];
  if (program) return program(view, stdin);
  return { exitCode: 127, stdout: '', stderr: `${argv[0]}: not found in a memory VM\n` };
}

/** Whether a VM has booted, and so has what answers in it. */
export function isUp(view: Omit<GuestView, 'mark'>, domain: MemoryDomain): boolean {
  const startedAt = domain.mark?.startedAt;
  return (
    domain.power === 'running' &&
    startedAt !== undefined &&
    startedAt + view.bootDelayMs <= Date.now() &&
    !view.world.stuck.includes(domain.mark?.vm ?? '')
  );
}

function computesOf(view: GuestView): MemoryDomain[] {
  return Object.values(view.world.sites)
    .flatMap((site) => site.domains)
    .filter(({ mark }) => mark?.definition.role === 'compute' && sameMark(mark.mark, view.mark));
}

/** Idle once it is up and has an edge: it gets its configuration over the overlay. */
function nodeState(view: GuestView, compute: MemoryDomain) {
  const name = compute.mark?.vm ?? '';
  const fetched = isUp(view, compute) && hasEdge(view, name);
  const at = seconds(compute.mark?.startedAt ?? 0);
  return {
    name,
    state: fetched ? 'idle' : 'unknown',
    armedAt: fetched ? at : null,
    fetchedAt: fetched ? at : null,
    slurmdStartedAt: fetched ? at : null,
    phase: fetched ? 'idle' : compute.power === 'running' ? 'booting' : 'off',
  };
}

function hasEdge(view: GuestView, vm: string): boolean {
  return Object.values(view.world.sites)
    .flatMap((site) => site.edges)
    .some(({ mark, edge }) => edge.vm === vm && sameMark(mark, view.mark));
}

function verify(view: GuestView, stdin: string): Output {
  const asked = JSON.parse(stdin) as {
    nodes: { name: string; site: string }[];
    mtu: number;
    interface: string;
  };
  const states = computesOf(view).map((compute) => nodeState(view, compute));
  const names = asked.nodes.map((node) => node.name);
  const absent = names.filter(
    (name) => !states.some((state) => state.name === name && state.phase === 'idle'),
  );
  if (absent.length > 0) {
    return { exitCode: 1, stdout: '', stderr: `not idle: ${absent.join(', ')}\n` };
  }
  const sites = [...new Set(asked.nodes.map((node) => node.site))];
  const sum = (names.length * (names.length - 1)) / 2;
  const report: VerifyReport = {
    hostnames: names,
    mpi: {
      ranks: names.length,
      nodes: names,
      sum,
      expectedSum: sum,
      interface: asked.interface,
    },
    mtu: asked.mtu,
    rtt: sites.flatMap((from, index) =>
      sites.slice(index + 1).map((to) => ({ from, to, ms: 0.1 })),
    ),
    transcript: `${names.length} nodes answered in memory\n`,
  };
  return output(`${JSON.stringify(report)}\n`);
}

function output(stdout: string): Output {
  return { exitCode: 0, stdout, stderr: '' };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
