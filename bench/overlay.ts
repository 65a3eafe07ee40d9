/**
 * Throughput and round-trip time of overlays, side by side in one run: between two VM containers or
 * their VMs, all of them network namespaces, over a network with a limit and a delay. Writes tables and
 * a plot into docs/.
 *
 *   npm run bench:overlay -- --help
 */
import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { programRoot } from '../src/installation/home.ts';
import { createGround, until, type Ground } from './overlay/ground.ts';
import type { Path } from './overlay/kinds/kind.ts';
import { measure, startServer } from './overlay/measure.ts';
import { isWhole, readOptions, usage, type Options } from './overlay/options.ts';
import { renderPlot } from './overlay/plot.ts';
import { requirePrograms } from './overlay/prerequisites.ts';
import type { OverlayResult, ScenarioResult } from './overlay/results.ts';
import type { Scenario } from './overlay/scenarios.ts';
import { renderTables } from './overlay/table.ts';
import { layWan } from './overlay/wan.ts';

const [begin, end] = ['<!-- begin: overlay -->', '<!-- end: overlay -->'];
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error('interrupted')));
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options);
  else process.stdout.write(usage);
} catch (error) {
  // What was under way when it was interrupted only fails thereby.
  const cause = interrupted.signal.aborted ? interrupted.signal.reason : error;
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}

async function main(options: Options): Promise<void> {
  requirePrograms(options.kinds);
  const load = loadavg()[0] ?? 0;
  const results: ScenarioResult[] = [];
  for (const scenario of options.scenarios) results.push(await play(scenario, options));
  if (options.json) {
    const { rounds, seconds } = options;
    process.stdout.write(`${JSON.stringify({ rounds, seconds, load, results }, undefined, 2)}\n`);
    return;
  }
  const tables = renderTables({ options, results, load });
  process.stdout.write(`${tables}\n`);
  if (isWhole(options)) await writePage(tables, renderPlot(results));
}

/** All rounds of a scenario, on a ground of its own. */
async function play(scenario: Scenario, options: Options): Promise<ScenarioResult> {
  const ground = await createGround({ signal: interrupted.signal, first: options.first });
  try {
    await layWan(ground, scenario);
    const overlays: (OverlayResult & { path: Path })[] = [];
    for (const [index, kind] of options.kinds.entries()) {
      say(`${scenario.title}: building ${kind.title}`);
      const path = await kind.build(ground, index + 1);
      await arrives(ground, path);
      await path.settled?.();
      overlays.push({ name: kind.name, title: kind.title, rounds: [], path });
    }
    for (const place of new Set(overlays.map(({ path }) => path.to.place))) {
      startServer(ground, place);
    }
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const { title, rounds, path } of overlays) {
        const measured = await measure(ground, path, options, scenario.rttMs);
        rounds.push(measured);
        const { mbitPerSecond, rttMs } = measured;
        say(
          `${scenario.title}, round ${round} of ${options.rounds}: ${title} ${mbitPerSecond.toFixed(0)} Mbit/s, ${rttMs.toFixed(2)} ms`,
        );
      }
    }
    return { scenario, overlays: overlays.map(({ path: _, ...overlay }) => overlay) };
  } finally {
    await ground.remove();
  }
}

async function arrives(ground: Ground, { from, to }: Path): Promise<void> {
  const argv = ['ping', '-q', '-c', '1', '-W', '1', '-I', from.address, to.address] as const;
  await until(`${to.address} answers`, () =>
    ground.run(from.place, argv).then(
      () => true,
      () => false,
    ),
  );
}

async function writePage(tables: string, plot: string): Promise<void> {
  await writeFile(join(programRoot, 'docs/images/overlay-throughput.svg'), plot);
  const path = join(programRoot, 'docs/benchmarks.md');
  const page = await readFile(path, 'utf8');
  const between = new RegExp(`${begin}[^]*${end}`);
  if (!between.test(page)) throw new Error(`${path} has no place for the tables`);
  const written = page.replace(between, `${begin}\n\n${tables}\n\n${end}`);
  await writeFile(path, await format(written, { ...(await resolveConfig(path)), filepath: path }));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
