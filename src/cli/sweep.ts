import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import type { SweepResult } from '../domain/results.ts';
import { confirm } from './confirm.ts';
import { withClient } from './context.ts';
import { printJson, printLines, tableLines } from './output.ts';

interface SweepOptions {
  remove?: boolean;
  yes?: boolean;
  cluster?: string;
  json?: boolean;
}

/** `mvc sweep` */
export function sweepCommand(): Command {
  return new Command('sweep')
    .description('list (and on request remove) what carries our mark but belongs to no cluster')
    .option('--remove', 'remove it, after showing it and asking')
    .option('--cluster <name>', 'only what clusters of this name have left')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  mvc sweep\n  mvc sweep --remove --cluster demo\n')
    .action(sweep);
}

async function sweep(options: SweepOptions): Promise<void> {
  const cluster = options.cluster === undefined ? {} : { cluster: options.cluster };
  await withClient(async (client) => {
    const found = await client.sweep({ remove: false, ...cluster });
    if (!options.remove || found.things.length === 0) return report(found, options);
    if (!options.yes) {
      if (!options.json) printLines(sweepLines(found, false));
      await confirm('Remove all of this?', 'say --yes to remove it without being asked');
    }
    report(await client.sweep({ remove: true, ...cluster }), options);
  });
}

function report(result: SweepResult, { json, remove = false }: SweepOptions): void {
  if (json) printJson(result);
  else printLines(sweepLines(result, remove));
  refuseIncomplete(result, remove);
}

/** @param removing says whether what is still there should have gone. */
export function sweepLines({ things }: SweepResult, removing: boolean): string[] {
  if (things.length === 0) return ['nothing at the sites carries our mark without a cluster'];
  return tableLines(
    ['SITE', 'HOST', 'KIND', 'NAME', 'CLUSTER', ...(removing ? ['REMOVED'] : [])],
    things.map((each) => [
      each.site,
      each.host,
      each.kind,
      each.name,
      each.cluster,
      ...(removing ? [each.removed ? 'yes' : 'no'] : []),
    ]),
  );
}

function refuseIncomplete({ things, silent }: SweepResult, removing: boolean): void {
  refuseSilent(silent);
  const left = things.filter((each) => !each.removed).length;
  if (!removing || left === 0) return;
  throw new Failure('CommandFailed', `${left} of ${things.length} things are still there`, {
    help: 'sweep again; `mvc history` of their cluster tells of operations that may still hold them',
  });
}

/** @throws {Failure} Unreachable if a site did not answer: what was printed is not the whole. */
export function refuseSilent(silent: { site: string; error: string }[]): void {
  if (silent.length === 0) return;
  const list = silent.map(({ site, error }) => `${site} (${error})`).join('; ');
  throw new Failure('Unreachable', `this is not all, these sites did not answer: ${list}`);
}
