import { Command } from 'commander';
import type { StepRecord } from '../domain/cluster.ts';
import type { BuildRecord } from '../store/builds.ts';
import { withStore } from './context.ts';
import { noSuchCluster } from './no-such-cluster.ts';
import { formatDuration, printJson, printLines, tableLines } from './output.ts';
import { parkedSteps } from './parked.ts';

/** `mvc history <cluster>` */
export function historyCommand(): Command {
  return new Command('history')
    .description('list the operations on a cluster, also after it was destroyed')
    .addHelpText('after', '\nExample:\n  mvc history demo\n')
    .argument('<name>')
    .option('--json', 'as JSON, with every step')
    .action(async (name: string, options: { json?: boolean }) => {
      const builds = await withStore(async (db) =>
        (await import('../store/builds.ts')).listBuilds(db, name),
      );
      if (options.json) return printJson(builds);
      if (builds.length === 0) throw noSuchCluster(name);
      printLines(builds.flatMap(historyLines));
    });
}

type Recorded = Pick<
  BuildRecord,
  'kind' | 'steps' | 'startedAt' | 'finishedAt' | 'outcome' | 'error'
>;

/** One operation: a line, and its steps. */
export function historyLines({ kind, steps, startedAt, ...end }: Recorded): string[] {
  const took = end.finishedAt ? formatDuration(end.finishedAt - startedAt) : 'running';
  const begun = new Date(startedAt).toISOString();
  const outcome = end.outcome ?? 'running';
  const error = end.error === undefined ? '' : `  ${end.error}`;
  return [`${begun}  ${kind}  ${outcome}  ${took}${error}`, ...stepTable(steps)];
}

function stepTable(steps: StepRecord[]): string[] {
  const repeated = steps.some((each) => each.rounds !== undefined);
  return tableLines(
    ['  STEP', 'SITE', 'TOOK', ...(repeated ? ['ROUNDS'] : []), 'REMARK'],
    steps.map((each) => [
      `  ${each.step}`,
      each.site ?? 'all sites',
      tookOf(each),
      ...(repeated ? [String(each.rounds ?? 1)] : []),
      remark(each),
    ]),
  );
}

function tookOf(record: StepRecord): string {
  if (record.parked) return 'parked';
  if (record.finishedAt === undefined) return 'running';
  return formatDuration(record.finishedAt - record.startedAt);
}

function remark(record: StepRecord): string {
  const [parked] = parkedSteps([record]);
  if (parked) return parked.host ? `${parked.host}: ${parked.cause}` : parked.cause;
  if (record.skipped) return record.error ? `left out: ${record.error}` : 'left out';
  return record.error ?? '';
}
