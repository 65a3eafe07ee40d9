import type { VerifyReport } from '../../../domain/cluster.ts';
import { sameMark, type Mark } from '../../../domain/mark.ts';
import { computesOf, frontendOf, updateNodes } from './frontend-nodes.ts';
import { tellTopology } from './frontend-topology.ts';
import { changeUsers } from './frontend-users.ts';
import type { MemoryDomain, WorldState } from './world-state.ts';

interface Output {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What a program in a VM of a memory site sees and can do. */
export interface GuestView {
  world: WorldState;
  mark: Mark;
  bootDelayMs: number;
  powerOff(): void;
}

type Program = (view: GuestView, args: string[], stdin: string) => Output;

/** The programs that a node image has for the controller, as far as a memory VM can play them. */
const programs: Record<string, Program> = {
  '/usr/lib/mvc/frontend-ready': () => output('ready\n'),
  '/usr/lib/mvc/clock': () => output(`${seconds(Date.now())}\n`),
  '/usr/lib/mvc/node-states': (view) => output(`${JSON.stringify(nodeStates(view))}\n`),
  '/usr/lib/mvc/verify': (view, _args, stdin) => verify(view, stdin),
  '/usr/lib/mvc/update-nodes': (view, args, stdin) => {
    const refusal = updateNodes(frontendOf(view.world, view.mark), args, stdin);
    return refusal === undefined ? output('') : failed(refusal.why, refusal.status);
  },
  '/usr/lib/mvc/drain-nodes': (view, _args, stdin) => drainNodes(view, namesIn(stdin)),
  '/usr/lib/mvc/resume-nodes': (view, _args, stdin) => resumeNodes(view, namesIn(stdin)),
  '/usr/lib/mvc/users': ({ world, mark }, args, stdin) =>
    output(changeUsers(frontendOf(world, mark), args, stdin)),
  '/usr/lib/mvc/topology': ({ world, mark }, args, stdin) =>
    output(tellTopology(frontendOf(world, mark), mark.cluster, args, stdin)),
  '/usr/sbin/poweroff': (view) => {
    view.powerOff();
    return output('');
  },
};

export function runProgram(view: GuestView, argv: string[], stdin: string): Output {
  const [path = '', ...args] = argv;
  const program = programs[path];
  if (program) return program(view, args, stdin);
  return { exitCode: 127, stdout: '', stderr: `${path}: not found in a memory VM\n` };
}

/** Whether a VM has booted, and so has what answers in it. */
export function isUp(
  view: Pick<GuestView, 'world' | 'bootDelayMs'>,
  domain: MemoryDomain,
): boolean {
  const startedAt = domain.mark?.startedAt;
  return (
    domain.power === 'running' &&
    startedAt !== undefined &&
    startedAt + view.bootDelayMs <= Date.now() &&
    !view.world.stuck.includes(domain.mark?.vm ?? '')
  );
}

/** Of the computes that the frontend was told of: it does not see any other. */
function nodeStates(view: GuestView) {
  const computes = computesOf(view.world, view.mark);
  return frontendOf(view.world, view.mark).told.map((name) =>
    nodeState(
      view,
      name,
      computes.find((compute) => compute.mark?.vm === name),
    ),
  );
}

/** Idle once it is up and has an edge: it gets its configuration over the overlay. */
function nodeState(view: GuestView, name: string, compute: MemoryDomain | undefined) {
  const fetched = compute !== undefined && isUp(view, compute) && hasEdge(view, name);
  const drained = frontendOf(view.world, view.mark).drained.includes(name);
  const serving = drained ? 'drained' : 'idle';
  const at = fetched ? seconds(compute.mark?.startedAt ?? 0) : null;
  return {
    name,
    state: fetched ? serving : 'unknown',
    armedAt: at,
    fetchedAt: at,
    slurmdStartedAt: at,
    phase: fetched ? serving : compute?.power === 'running' ? 'booting' : 'off',
  };
}

function hasEdge(view: GuestView, vm: string): boolean {
  return Object.values(view.world.sites)
    .flatMap((site) => site.edges)
    .some(({ mark, edge, dead }) => edge.vm === vm && !dead && sameMark(mark, view.mark));
}

function drainNodes(view: GuestView, names: string[]): Output {
  const frontend = frontendOf(view.world, view.mark);
  const known = names.filter((name) => frontend.told.includes(name));
  frontend.drained = [...new Set([...frontend.drained, ...known])];
  const running = computesOf(view.world, view.mark).filter(({ power }) => power === 'running');
  const busy = known.filter(
    (name) =>
      view.world.busy.includes(name) && running.some((compute) => compute.mark?.vm === name),
  );
  return output(`${JSON.stringify({ jobs: busy.length, nodes: busy })}\n`);
}

function resumeNodes(view: GuestView, names: string[]): Output {
  const frontend = frontendOf(view.world, view.mark);
  frontend.drained = frontend.drained.filter((name) => !names.includes(name));
  return output('');
}

function verify(view: GuestView, stdin: string): Output {
  const asked = JSON.parse(stdin) as {
    nodes: { name: string; site: string }[];
    mtu: number;
    interface: string;
  };
  const states = nodeStates(view);
  const names = asked.nodes.map((node) => node.name);
  const absent = names.filter(
    (name) => !states.some((state) => state.name === name && state.phase === 'idle'),
  );
  if (absent.length > 0) return failed(`not idle: ${absent.join(', ')}`);
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

function namesIn(stdin: string): string[] {
  return stdin.split('\n').filter((name) => name !== '');
}

function output(stdout: string): Output {
  return { exitCode: 0, stdout, stderr: '' };
}

function failed(why: string, exitCode = 1): Output {
  return { exitCode, stdout: '', stderr: `${why}\n` };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
