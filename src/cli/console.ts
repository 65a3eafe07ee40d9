import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MvcClient } from '../client/mvc-client.ts';
import { consoleLines, freshPart } from './console-text.ts';
import { withClient } from './context.ts';
import { printJson, printLine, printLines } from './output.ts';

const followEveryMs = 2_000;
const mostBytes = 65_536;
const bytesPerLine = 200;

interface ConsoleOptions {
  lines: number;
  follow?: boolean;
  json?: boolean;
}

/** `mvc console <cluster> <vm>` */
export function consoleCommand(): Command {
  return new Command('console')
    .summary("the end of a VM's serial console")
    .description(
      "Shows the last lines of a VM's serial console, as its VM container keeps them: firmware, PXE, kernel " +
        'and services. Read only; control characters are made visible.',
    )
    .argument('<cluster>')
    .argument('<vm>', 'its name in the cluster, such as frontend or compute-alpine-0')
    .option('-n, --lines <count>', 'how many lines, at most 64 KiB', lineCount, 50)
    .option('-f, --follow', 'go on with what it writes from now on, until Ctrl-C')
    .option('--json', 'as JSON: site, container, text as it was written')
    .addHelpText('after', '\nExample:\n  mvc console demo compute-beach-0 --lines 100 -f\n')
    .action(showConsole);
}

async function showConsole(cluster: string, vm: string, options: ConsoleOptions): Promise<void> {
  const bytes = Math.min(mostBytes, Math.max(4_096, options.lines * bytesPerLine));
  await withClient(async (client) => {
    const first = await client.console(cluster, vm, bytes);
    if (options.json) return printJson(first);
    const lines = consoleLines(first.text);
    const where = `${vm} at site ${first.site}, VM container ${first.container}`;
    if (lines.length === 0) process.stderr.write(`mvc: ${where} has written nothing yet\n`);
    printLines(lines.slice(-options.lines));
    if (options.follow) await follow(client, { cluster, vm, bytes }, first.text);
  });
}

async function follow(
  client: MvcClient,
  { cluster, vm, bytes }: { cluster: string; vm: string; bytes: number },
  shown: string,
): Promise<never> {
  let before = shown;
  for (;;) {
    await sleep(followEveryMs);
    const { text: now } = await client.console(cluster, vm, bytes);
    const { text, gap } = freshPart(before, now);
    if (gap) printLine('…');
    // A line that is not whole yet is shown when it is.
    const end = text.lastIndexOf('\n') + 1;
    printLines(consoleLines(text.slice(0, end)));
    before = now.slice(0, now.length - (text.length - end));
  }
}

function lineCount(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('it is a number of lines, at least 1');
}
