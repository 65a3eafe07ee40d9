import { describeParked, type ParkedStep, type StepRecord } from '../domain/cluster.ts';
import type { ClusterProgress } from '../domain/progress.ts';

/** Where an operation stands, as markdown for the engine's UI: what waits, the sites, the steps. */
export function describeBoard(progress: ClusterProgress, parked: ParkedStep[]): string {
  const { cluster, operation, phase, message, steps } = progress;
  return [
    `**${operation} of ${cluster}: ${phase}**. ${message}`,
    ...parkedLines(parked),
    '',
    '| site | now at | state | steps done | why |',
    '| --- | --- | --- | --- | --- |',
    ...[...bySite(steps)].map(([site, records]) => siteRow(site, records)),
    '',
    '| step | site | state | error |',
    '| --- | --- | --- | --- |',
    ...steps.map((each) => row(each.step, each.site ?? 'all', stateOf(each), causeOf(each))),
  ].join('\n');
}

function parkedLines(parked: ParkedStep[]): string[] {
  if (parked.length === 0) return [];
  return [
    '',
    '**Parked.** Send the Update `resume` with `{}` to try again, or `{"action":"skip"}` where a step may be left out.',
    '',
    ...parked.map(
      (each) => `- since ${new Date(each.since).toISOString()}: ${oneCell(describeParked(each))}`,
    ),
  ];
}

/** The steps of each site in the order of their first step; those of the whole cluster under `all`. */
function bySite(steps: StepRecord[]): Map<string, StepRecord[]> {
  const sites = new Map<string, StepRecord[]>();
  for (const step of steps) {
    const site = step.site ?? 'all';
    sites.set(site, [...(sites.get(site) ?? []), step]);
  }
  return sites;
}

function siteRow(site: string, records: StepRecord[]): string {
  const shown = mostTelling(records);
  const done = records.filter((each) => each.finishedAt !== undefined && !each.error).length;
  return row(
    site,
    shown?.step,
    shown && stateOf(shown),
    `${done}/${records.length}`,
    causeOf(shown),
  );
}

/** What a person wants to know of a site first: what waits, what failed, what runs, what was last. */
function mostTelling(records: StepRecord[]): StepRecord | undefined {
  return (
    records.find((each) => each.parked) ??
    records.find((each) => each.error !== undefined) ??
    records.findLast((each) => each.finishedAt === undefined) ??
    records.at(-1)
  );
}

function stateOf(record: StepRecord): string {
  const rounds = record.rounds === undefined ? '' : ` (round ${record.rounds})`;
  if (record.parked) return `parked${rounds}`;
  if (record.skipped) return 'left out';
  if (record.error !== undefined) return 'failed';
  if (record.finishedAt === undefined) return `running${rounds}`;
  return `done in ${((record.finishedAt - record.startedAt) / 1000).toFixed(1)} s${rounds}`;
}

function causeOf(record: StepRecord | undefined): string | undefined {
  return record?.parked?.cause ?? record?.error;
}

function row(...cells: (string | undefined)[]): string {
  return `| ${cells.map(oneCell).join(' | ')} |`;
}

/** Text from a site must neither end a cell nor a row. */
function oneCell(text = ''): string {
  return text.replaceAll('|', ' ').replaceAll(/[\r\n]+/g, ' ');
}
