import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { withStore } from './context.ts';
import { differenceLines, operationLines, operationTable, type Numbered } from './history-lines.ts';
import { noSuchCluster } from './no-such-cluster.ts';
import { printJson, printLine, printLines } from './output.ts';
import { specYaml } from './spec-yaml.ts';

interface HistoryOptions {
  json?: boolean;
  diff?: boolean;
}

/** How far back it goes; a cluster that is looked after has a few operations a day at most. */
const limit = 1000;

/** `mvc history <cluster> [operation]` */
export function historyCommand(): Command {
  return new Command('history')
    .description(
      'list the operations on a cluster, also after it was destroyed, or show one of them',
    )
    .argument('<name>')
    .argument('[operations...]', 'number or id of one, as the list has it; two with --diff')
    .option('--diff', 'what differs between two operations, or one and the one before it')
    .option('--json', 'as JSON, with every step and the spec')
    .addHelpText(
      'after',
      `
The record is the controller's own: it stays when the workflow engine has forgotten the run. Who asked is
what the program that started it has said; "not said" is what the engine's own UI and command start.

Examples:
  mvc history demo
  mvc history demo 3
  mvc history demo --diff 3 5
`,
    )
    .action(async (name: string, wanted: string[], options: HistoryOptions) => {
      const all = await readHistory(name);
      const meant = wanted.map((each) => findOperation(all, name, each));
      if (options.diff) return printDifference(all, meant, options);
      if (options.json)
        return printJson((meant.length > 0 ? meant : all).map(({ record }) => record));
      if (meant.length === 0) return printLines(operationTable(all));
      for (const each of meant) await printOperation(each);
    });
}

async function readHistory(name: string): Promise<Numbered[]> {
  const records = await withStore(async (db) =>
    (await import('../store/builds.ts')).listBuilds(db, name, limit),
  );
  if (records.length === 0) throw noSuchCluster(name);
  return records.map((record, index) => ({ number: records.length - index, record }));
}

/**
 * The operation with this number, or the one whose id begins so.
 *
 * @throws {Failure} NotFound, or BadInput for a beginning that several ids have.
 */
export function findOperation(all: Numbered[], cluster: string, wanted: string): Numbered {
  const numbered = all.find(({ number }) => String(number) === wanted);
  if (numbered) return numbered;
  const found = all.filter(({ record }) => record.id.startsWith(wanted.toLowerCase()));
  const [first] = found;
  const help = `\`mvc history ${cluster}\` lists them`;
  if (!first || wanted === '') {
    throw new Failure('NotFound', `cluster ${cluster} had no operation ${wanted}`, { help });
  }
  if (found.length > 1) {
    throw new Failure('BadInput', `${found.length} operations have ids that begin with ${wanted}`, {
      help,
    });
  }
  return first;
}

async function printOperation(operation: Numbered): Promise<void> {
  printLines(operationLines(operation));
  printLine();
  printLine('spec, with all defaults:');
  printLines((await specYaml(operation.record.spec)).map((line) => `  ${line}`));
}

function printDifference(all: Numbered[], meant: Numbered[], options: HistoryOptions): void {
  const [a, b] = meant.length === 1 ? [before(all, meant[0]), meant[0]] : meant;
  if (!a || !b || meant.length > 2) {
    throw new Failure('BadInput', '--diff compares two operations: name them, or the later one');
  }
  if (options.json) return printJson([a.record, b.record]);
  printLines(differenceLines(a, b));
}

function before(all: Numbered[], operation: Numbered | undefined): Numbered | undefined {
  return all.find(({ number }) => number + 1 === operation?.number);
}
