/**
 * How good the estimate of a build is at half-time: what it says is left, against what then was. Builds
 * the same shape several times and writes the table into docs/benchmarks.md.
 *
 *   node_modules/.bin/node bench/estimate.ts              sites in memory, each call 250 ms away
 *   GROUND=here node_modules/.bin/node bench/estimate.ts  the libvirt sites of the running installation
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MvcClient } from '../src/client/mvc-client.ts';
import type { ClusterSpecInput } from '../src/domain/cluster.ts';
import { estimateLeft } from '../src/domain/estimate.ts';
import { mvcHome, programRoot } from '../src/installation/home.ts';
import { connectionSettings, postgresSettings } from '../src/installation/settings.ts';
import { listBuilds } from '../src/store/builds.ts';
import { closeDatabase, openDatabase, type Database } from '../src/store/database.ts';
import { estimateOfRunning } from '../src/store/estimates.ts';
import { listSites } from '../src/store/sites.ts';
import { startController, testSites } from '../test/helpers/controller.ts';

const rounds = Number(process.env['ROUNDS'] ?? 5);
const delayMs = 250;
const lookEveryMs = 100;

/** Where clusters are built. */
interface Ground {
  name: string;
  what: string;
  client: MvcClient;
  db: Database;
  spec: ClusterSpecInput;
  close(): Promise<void>;
}

/** What the estimate said at one moment. Milliseconds; `at` since 1970. */
interface Sample {
  at: number;
  leftMs: number | undefined;
}

const ground = process.env['GROUND'] === 'here' ? await installation() : await memory();
try {
  const rows: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`build ${round} of ${rounds}\n`);
    rows.push(await buildOnce(round));
  }
  await writeTable(render(rows));
} finally {
  await ground.close();
}

async function buildOnce(round: number): Promise<string> {
  const { client, db, spec } = ground;
  const operation = await client.build(spec);
  const samples: Sample[] = [];
  for (;;) {
    const estimate = await estimateOfRunning(db, operation.runId);
    const running = await client.running(spec.name);
    if (!running) break;
    const at = Date.now();
    const left = estimate && estimateLeft(running.progress.steps, estimate, at);
    samples.push({ at, leftMs: left?.leftMs });
    await sleep(lookEveryMs);
  }
  await client.result(operation);
  const [record] = await listBuilds(db, spec.name);
  await client.result(await client.destroy(spec.name));
  if (record?.finishedAt === undefined) throw new Error('the build has left no history');
  const begun = Math.min(...record.steps.map((step) => step.startedAt));
  return rowOf(round, begun, record.finishedAt, samples);
}

function rowOf(round: number, begun: number, finished: number, samples: Sample[]): string {
  const half = (begun + finished) / 2;
  const distance = ({ at }: Sample) => Math.abs(at - half);
  const sample = samples.toSorted((a, b) => distance(a) - distance(b))[0];
  const total = seconds(finished - begun);
  if (sample?.leftMs === undefined) return `| ${round} | ${total} | – | – | no estimate yet |`;
  const real = finished - sample.at;
  const error = ((100 * (sample.leftMs - real)) / real).toFixed(0);
  return `| ${round} | ${total} | ${seconds(real)} | ${seconds(sample.leftMs)} | ${error} % |`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function render(rows: string[]): string {
  return [
    `${ground.what}, ${cpus().length} cores. Seconds.`,
    '',
    '| build | took | left at half-time | estimated then | error |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

async function memory(): Promise<Ground> {
  const controller = await startController();
  for (const name of testSites) {
    await controller.client.updateSite({
      name,
      kind: 'memory',
      containers: [{ name: 'h1' }, { name: 'h2' }],
      delayMs,
    });
  }
  return {
    name: 'estimate-memory',
    what: `${testSites.length} sites in memory, each call ${delayMs} ms away, 1 frontend and ${testSites.length} computes`,
    client: controller.client,
    db: controller.db,
    spec: controller.spec('bench'),
    close: () => controller.stop(),
  };
}

async function installation(): Promise<Ground> {
  const { temporal } = await connectionSettings(mvcHome());
  const client = await MvcClient.connect(temporal);
  const db = openDatabase(await postgresSettings(mvcHome()));
  const all = (await listSites(db)).filter(({ site }) => site.kind === 'libvirt');
  const sites = all.map(({ site }) => ({ name: site.name, computes: 1 }));
  return {
    name: 'estimate-libvirt',
    what: `${sites.length} libvirt sites, 1 frontend and ${sites.length} computes`,
    client,
    db,
    spec: {
      name: 'bench',
      origin: sites[0]?.name ?? '',
      sites,
      overlay: { kind: 'n2n', insecure: true },
    },
    close: async () => {
      await client.close();
      await closeDatabase(db);
    },
  };
}

async function writeTable(table: string): Promise<void> {
  const path = join(programRoot, 'docs', 'benchmarks.md');
  const text = await readFile(path, 'utf8');
  const [begin, end] = [`<!-- begin: ${ground.name} -->`, `<!-- end: ${ground.name} -->`];
  const [before, after] = [text.split(begin)[0], text.split(end)[1]];
  await writeFile(path, `${before}${begin}\n\n${table}\n\n${end}${after}`);
  process.stdout.write(`${table}\n`);
}
