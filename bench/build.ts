/**
 * Seconds per step of a build at 20 and at 100 ms round-trip time, on the test sites, with the overlays side
 * by side; MPI between two sites of each cluster; and what the workflow runs weigh in the engine. Writes the
 * tables into docs/benchmarks.md.
 *
 *   ./mvc demo && ROUNDS=3 node_modules/.bin/node bench/build.ts
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { buildSteps, type StepRecord } from '../src/domain/cluster.ts';
import { clusterSiteWorkflowId, clusterWorkflowId } from '../src/domain/engine-names.ts';
import { mvcHome, programRoot } from '../src/installation/home.ts';
import { connectionSettings } from '../src/installation/settings.ts';

const run = promisify(execFile);
const rtts = [20, 100] as const;
/** With the flags that they need. */
const overlays = { routed: [], n2n: ['--insecure'] };
type OverlayName = keyof typeof overlays;
const kinds = Object.keys(overlays) as OverlayName[];
const rounds = Number(process.env['ROUNDS'] ?? 3);
const cluster = 'bench';
const begin = '<!-- begin: build -->';
const end = '<!-- end: build -->';

interface PingPong {
  /** Of one byte, one way. */
  ms: number;
  /** Of 1 MiB, one way. */
  mbit: number;
}

interface Round {
  total: number;
  mpi: PingPong;
  steps: Map<string, number>;
  runs: { id: string; events: number; largestPayload: number }[];
}

const sites = (await mvcJson<{ site: { name: string; kind: string } }[]>('site', 'list'))
  .filter(({ site }) => site.kind === 'libvirt')
  .map(({ site }) => site.name);
const results: (Round & { kind: OverlayName; rtt: number })[] = [];
for (let round = 1; round <= rounds; round += 1) {
  // Interleaved, so that a machine that slows down slows all alike.
  for (const rtt of rtts) {
    await mvc('lab', 'rtt', String(rtt));
    for (const kind of kinds) {
      process.stderr.write(`round ${round} of ${rounds}: ${kind} at ${rtt} ms\n`);
      results.push({ kind, rtt, ...(await buildOnce(kind)) });
    }
  }
}
await writeTable(render());

async function buildOnce(kind: OverlayName): Promise<Round> {
  const flags = sites.flatMap((site) => ['--site', `${site}=1`]);
  await mvc('create', cluster, '--overlay', kind, ...overlays[kind], '--json', ...flags);
  const [build] = await mvcJson<{ startedAt: number; finishedAt: number; steps: StepRecord[] }[]>(
    'history',
    cluster,
  );
  if (!build) throw new Error('the build has left no history');
  const runs = await weigh([
    clusterWorkflowId(cluster),
    ...sites.map((site) => clusterSiteWorkflowId(cluster, site)),
  ]);
  const mpi = await pingPong();
  await mvc('destroy', cluster, '--yes');
  return { total: wholeBuild(build.steps), steps: longestPerStep(build.steps), runs, mpi };
}

/** Between the last two sites, neither of which is the origin. */
async function pingPong(): Promise<PingPong> {
  const source = join(import.meta.dirname, 'build', 'ping-pong.c');
  await mvc('cp', source, `${cluster}:`);
  await mvc('run', cluster, '--', 'mpicc', 'ping-pong.c', '-o', 'ping-pong');
  const nodes = sites.slice(-2).map((site) => `compute-${site}-0`);
  const srun = ['srun', '-N2', '-n2', '-w', nodes.join(','), './ping-pong'];
  return JSON.parse(await mvc('run', cluster, '--', ...srun)) as PingPong;
}

function wholeBuild(steps: StepRecord[]): number {
  const first = Math.min(...steps.map((step) => step.startedAt));
  const last = Math.max(...steps.map((step) => step.finishedAt ?? step.startedAt));
  return (last - first) / 1000;
}

/** Sites work side by side, so the slowest one is what the build waits for. */
function longestPerStep(steps: StepRecord[]): Map<string, number> {
  const longest = new Map<string, number>();
  for (const { step, startedAt, finishedAt } of steps) {
    const seconds = ((finishedAt ?? startedAt) - startedAt) / 1000;
    longest.set(step, Math.max(longest.get(step) ?? 0, seconds));
  }
  return longest;
}

async function weigh(ids: string[]): Promise<Round['runs']> {
  const { temporal } = await connectionSettings(mvcHome());
  const connection = await Connection.connect(temporal.connection);
  const client = new Client({ connection, namespace: temporal.namespace });
  const runs = [];
  for (const id of ids) {
    const history = await client.workflow.getHandle(id).fetchHistory();
    const events = history.events ?? [];
    runs.push({
      id,
      events: events.length,
      largestPayload: Math.max(...events.map(largestPayload)),
    });
  }
  await connection.close();
  return runs;
}

/** Bytes of the largest payload anywhere in an event. */
function largestPayload(value: unknown): number {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return 0;
  const data = (value as { data?: unknown }).data;
  const own = data instanceof Uint8Array ? data.byteLength : 0;
  return Math.max(own, ...Object.values(value).map(largestPayload));
}

function render(): string {
  const at = (kind: OverlayName, rtt: number, of: (round: Round) => number) =>
    median(results.filter((each) => each.kind === kind && each.rtt === rtt).map(of));
  const step = (name: string) => (round: Round) => round.steps.get(name) ?? 0;
  const hasTime = (name: string) => results.some((round) => step(name)(round) >= 0.1);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const row = (name: string, of: (round: Round) => number) =>
    line([
      name,
      ...kinds.flatMap((kind) => {
        const [low, high] = [at(kind, 20, of), at(kind, 100, of)];
        return [low.toFixed(1), high.toFixed(1), ((high - low) / 80).toFixed(3)];
      }),
    ]);
  const boot = (round: Round) =>
    step('frontend')(round) + step('computes')(round) + step('verify')(round);
  const share = (rtt: number) =>
    (100 * at('routed', rtt, (round) => (round.total - boot(round)) / round.total)).toFixed(0);
  const titles = kinds.flatMap((kind) => [`${kind}, 20 ms`, `${kind}, 100 ms`, 's per ms']);
  const mpi = (name: string, of: (round: Round) => number) =>
    line([name, ...kinds.flatMap((kind) => rtts.map((rtt) => at(kind, rtt, of).toFixed(1)))]);
  const columns = ['MPI', ...kinds.flatMap((kind) => rtts.map((rtt) => `${kind}, ${rtt} ms`))];
  const last = results.findLast(({ kind }) => kind === 'routed')?.runs ?? [];
  return [
    `${rounds === 1 ? 'One build each' : `Median of ${rounds} builds each, interleaved`}; ${sites.length} sites, 1 frontend and ${sites.length} computes, ${cpus().length} cores, emulated CPUs (TCG), image known to the sites. Seconds; of several sites the slowest.`,
    '',
    line(['step', ...titles]),
    line(['step', ...titles].map(() => '---')),
    row('**whole build**', (round) => round.total),
    // Some belong to changes of a cluster alone.
    ...buildSteps.filter(hasTime).map((name) => row(name, step(name))),
    '',
    `Share of the build with routed that is neither a VM's boot nor the proof (whole build less frontend, computes and verify): ${share(20)} % at 20 ms, ${share(100)} % at 100 ms.`,
    '',
    `MPI between two computes at ${sites.slice(-2).join(' and ')} (each behind a gateway that hands on the overlay's ports), Open MPI by srun:`,
    '',
    line(columns),
    line(columns.map(() => '---')),
    mpi('1 byte, one way, ms', ({ mpi: { ms } }) => ms),
    mpi('1 MiB, Mbit/s', ({ mpi: { mbit } }) => mbit),
    '',
    '| workflow run | events | largest payload, bytes |',
    '| --- | --- | --- |',
    ...last.map(({ id, events, largestPayload: bytes }) => `| ${id} | ${events} | ${bytes} |`),
  ].join('\n');
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function writeTable(table: string): Promise<void> {
  const path = join(programRoot, 'docs', 'benchmarks.md');
  const text = await readFile(path, 'utf8');
  const [before, after] = [text.split(begin)[0], text.split(end)[1]];
  await writeFile(path, `${before}${begin}\n\n${table}\n\n${end}${after}`);
  process.stdout.write(`${table}\n`);
}

async function mvc(...argv: string[]): Promise<string> {
  const { stdout } = await run(join(programRoot, 'mvc'), argv, { maxBuffer: 64 * 1024 ** 2 });
  return stdout;
}

async function mvcJson<T>(...argv: string[]): Promise<T> {
  return JSON.parse(await mvc(...argv, '--json')) as T;
}
