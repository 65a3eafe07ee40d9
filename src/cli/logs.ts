import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { stepNames } from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import { mvcHome } from '../installation/home.ts';
import { LogReader, wholeLog } from '../installation/log-reader.ts';
import {
  entryLine,
  isWanted,
  parseEntry,
  parseSince,
  type LogEntry,
  type LogFilter,
} from './log-entry.ts';
import { printLine } from './output.ts';

const followEveryMs = 500;
const workers = ['control-worker', 'site-worker'] as const;

interface LogsOptions {
  site?: string;
  step?: string;
  since?: number;
  lines: number;
  follow?: boolean;
  json?: boolean;
}

/** `mvc logs [cluster]` */
export function logsCommand(): Command {
  return new Command('logs')
    .summary('what the workers logged about a cluster')
    .description(
      'What the workers of this installation logged about a cluster, or about everything if none is ' +
        'named. Also of clusters that are gone, as long as the logs are kept (some 20 to 40 MB of each worker).',
    )
    .argument('[cluster]')
    .option('--site <name>', 'only lines about this site')
    .option('--step <name>', 'only lines of this step, such as image or frontend')
    .option('--since <when>', 'not before: 30s, 10m, 2h, 3d ago, or a date', since)
    .option('-n, --lines <count>', 'the last so many lines, or `all`', lineCount, 200)
    .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C')
    .option('--json', 'as the workers wrote them: one JSON object per line')
    .addHelpText(
      'after',
      '\nExamples:\n  mvc logs demo --site beach --step image\n  mvc logs demo --since 10m -f\n',
    )
    .action(logs);
}

async function logs(cluster: string | undefined, options: LogsOptions): Promise<void> {
  const { site, step, since: from } = options;
  if (step !== undefined && !(stepNames as readonly string[]).includes(step)) {
    throw new Failure('BadInput', `there is no step ${step}`, {
      help: `the steps are ${stepNames.join(', ')}`,
    });
  }
  const filter: LogFilter = {
    ...(cluster === undefined ? {} : { cluster }),
    ...(site === undefined ? {} : { site }),
    ...(step === undefined ? {} : { step }),
    ...(from === undefined ? {} : { since: from }),
  };
  const print = options.json ? printRaw : (found: Found) => printLine(entryLine(found.entry));
  const { logFile } = await import('../installation/services.ts');
  const home = mvcHome();
  const files = workers.map((worker) => {
    const path = logFile(home, worker);
    return { path, reader: new LogReader(path) };
  });
  const kept = await collect(
    files.map(({ path, reader }) => wholeLog(path, reader)),
    filter,
    options.lines,
  );
  if (kept.left > 0) {
    process.stderr.write(`mvc: ${kept.left} earlier lines are left out (--lines all)\n`);
  }
  for (const found of kept.found) print(found);
  if (!options.follow) {
    if (kept.found.length === 0) sayNothingFound(cluster);
    return;
  }
  for (;;) {
    await sleep(followEveryMs);
    const fresh = await collect(
      files.map(({ reader }) => reader.unread()),
      filter,
      Infinity,
    );
    for (const found of fresh.found) print(found);
  }
}

interface Found {
  line: string;
  entry: LogEntry;
}

/** The last wanted lines of several logs in the order of their times, and how many came before. */
export async function collect(
  sources: AsyncGenerator<string>[],
  filter: LogFilter,
  most: number,
): Promise<{ found: Found[]; left: number }> {
  const found: Found[] = [];
  let left = 0;
  for (const source of sources) {
    const here: Found[] = [];
    for await (const line of source) {
      // Most lines are about others: to look for the name is a tenth of reading the whole line.
      if (filter.cluster !== undefined && !line.includes(filter.cluster)) continue;
      const entry = parseEntry(line);
      if (entry && isWanted(entry, filter)) here.push({ line, entry });
      if (here.length >= 2 * most) left += here.splice(0, here.length - most).length;
    }
    found.push(...here);
  }
  found.sort((a, b) => (a.entry.time < b.entry.time ? -1 : a.entry.time > b.entry.time ? 1 : 0));
  const extra = Math.max(0, found.length - most);
  return { found: found.slice(extra), left: left + extra };
}

function printRaw({ line }: Found): void {
  process.stdout.write(`${line}\n`);
}

function sayNothingFound(cluster: string | undefined): void {
  const about = cluster === undefined ? 'nothing' : `nothing about cluster ${cluster}`;
  process.stderr.write(`mvc: ${about} is in the logs at ${mvcHome().logs}\n`);
}

function since(text: string): number {
  return parseSince(text, Date.now());
}

function lineCount(text: string): number {
  if (text === 'all') return Infinity;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it is a number or `all`');
}
