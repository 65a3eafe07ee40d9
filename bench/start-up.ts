/**
 * How long the commands take that are typed most, with the services up: the clock's time, and the
 * processor's, which does not depend on what else the machine does. Writes the table into
 * docs/benchmarks.md.
 *
 *   ./mvc up && node_modules/.bin/node bench/start-up.ts
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { programRoot } from '../src/installation/home.ts';

const rounds = Number(process.env['ROUNDS'] ?? 15);
const commands = [
  ['--help'],
  ['list'],
  ['status'],
  ['site', 'list'],
  ['__complete', '--', 'watch', ''],
];
const begin = '<!-- begin: start-up -->';
const end = '<!-- end: start-up -->';

interface Run {
  /** Seconds. */
  clock: number;
  processor: number;
}

const runs = new Map<string[], Run[]>(commands.map((command) => [command, []]));
const load = loadavg()[0] ?? 0;
for (const command of commands) time(command);
for (let round = 1; round <= rounds; round += 1) {
  // Interleaved, so that a machine that slows down slows all alike.
  for (const command of commands) runs.get(command)?.push(time(command));
}
await writeTable(render());

/** One call through the launcher, as a person makes it. */
function time(command: string[]): Run {
  const spentBefore = childSeconds();
  const begun = performance.now();
  const { status, stderr } = spawnSync(join(programRoot, 'mvc'), command, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mvc ${command.join(' ')} ended with ${status}: ${stderr}`);
  const clock = (performance.now() - begun) / 1000;
  return { clock, processor: childSeconds() - spentBefore };
}

/** Processor time of all children that have ended: `cutime` and `cstime`, in hundredths of a second. */
function childSeconds(): number {
  const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(13, 15).map(Number);
  return ((user ?? 0) + (system ?? 0)) / 100;
}

function render(): string {
  const rows = [...runs].map(([command, of]) => {
    const [clock, processor] = [of.map((run) => run.clock), of.map((run) => run.processor)];
    const figures = [median(clock), Math.min(...clock), median(processor)];
    return `| \`mvc ${command.join(' ')}\` | ${figures.map((each) => each.toFixed(2)).join(' | ')} |`;
  });
  return [
    `Seconds, of ${rounds} calls each, interleaved; ${cpus().length} cores, load ${load.toFixed(1)} at the beginning.`,
    '',
    '| command | median | best | median of processor time |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function writeTable(table: string): Promise<void> {
  const path = join(programRoot, 'docs/benchmarks.md');
  const page = await readFile(path, 'utf8');
  const between = new RegExp(`${begin}[^]*${end}`);
  if (!between.test(page)) throw new Error(`${path} has no place for the table`);
  await writeFile(path, page.replace(between, `${begin}\n\n${table}\n\n${end}`));
}
