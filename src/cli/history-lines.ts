import type { StepRecord } from '../domain/cluster.ts';
import { diffSpecs } from '../domain/spec-diff.ts';
import type { BuildRecord } from '../store/builds.ts';
import { formatDuration, shorten, tableLines } from './output.ts';
import { parkedSteps } from './parked.ts';

/** An operation with its place in the history of its cluster's name: 1 is the oldest. */
export interface Numbered {
  number: number;
  record: BuildRecord;
}

/** Of what was started without a word about who asks, as the engine's UI and command do. */
const unsaid = 'not said';

/** A line per operation, the newest first. */
export function operationTable(operations: Numbered[]): string[] {
  return tableLines(
    ['NO', 'ID', 'OPERATION', 'WHO', 'BEGUN', 'TOOK', 'OUTCOME'],
    operations.map(({ number, record }) => [
      String(number),
      shortId(record),
      record.kind,
      record.askedBy ?? unsaid,
      beginOf(record.startedAt),
      record.finishedAt ? formatDuration(record.finishedAt - record.startedAt) : '-',
      shorten([record.outcome ?? 'running', record.error].filter(Boolean).join(': '), 70),
    ]),
  );
}

/** All of one operation but its spec. */
export function operationLines({ number, record }: Numbered): string[] {
  return [
    `operation ${number} on cluster ${record.cluster} (${record.id}), asked for by ${record.askedBy ?? unsaid}`,
    ...historyLines(record),
  ];
}

/** What differs between two operations: their specs, and what each step took. */
export function differenceLines(a: Numbered, b: Numbered): string[] {
  const spec = diffSpecs(a.record.spec, b.record.spec);
  return [
    ...(spec.length === 0 ? ['both had the same spec'] : spec.map((line) => `  ~ ${line}`)),
    '',
    ...stepComparison(a, b),
  ];
}

function stepComparison(a: Numbered, b: Numbered): string[] {
  const places = [...a.record.steps, ...b.record.steps].map(({ step, site }) => ({ step, site }));
  const rows = new Map(places.map((place) => [JSON.stringify(place), place]));
  const tookIn = ({ record }: Numbered, place: Pick<StepRecord, 'step'> & { site?: unknown }) => {
    const found = record.steps.find(({ step, site }) => step === place.step && site === place.site);
    if (!found) return '-';
    const tried = found.attempts === undefined ? '' : ` (${found.attempts} attempts)`;
    return tookOf(found) + tried;
  };
  const wholeOf = ({ record }: Numbered) =>
    record.finishedAt ? formatDuration(record.finishedAt - record.startedAt) : 'running';
  return tableLines(
    ['STEP', 'SITE', `${a.number} (${a.record.kind})`, `${b.number} (${b.record.kind})`],
    [
      ...[...rows.values()].map((place) => [
        place.step,
        place.site ?? 'all sites',
        tookIn(a, place),
        tookIn(b, place),
      ]),
      ['whole', '', wholeOf(a), wholeOf(b)],
    ],
  );
}

function shortId({ id }: BuildRecord): string {
  return id.slice(0, 8);
}

/** `2026-11-25 12:00:00Z` */
function beginOf(startedAt: number): string {
  return new Date(startedAt)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
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
  const tried = steps.some((each) => each.attempts !== undefined);
  const [head = '', ...rows] = tableLines(
    [
      '  STEP',
      'SITE',
      'TOOK',
      ...(repeated ? ['ROUNDS'] : []),
      ...(tried ? ['ATTEMPTS'] : []),
      'REMARK',
    ],
    steps.map((each) => [
      `  ${each.step}`,
      each.site ?? 'all sites',
      tookOf(each),
      ...(repeated ? [String(each.rounds ?? 1)] : []),
      ...(tried ? [String(each.attempts ?? each.rounds ?? 1)] : []),
      remark(each),
    ]),
  );
  return [head, ...rows.flatMap((row, index) => [row, ...failedLines(steps[index])])];
}

/** Why attempts of a step failed: a line for each reason, with the call, its attempts and how long they took. */
function failedLines(record: StepRecord | undefined): string[] {
  const ofRound = (round: number) => (record?.rounds === undefined ? '' : `round ${round}, `);
  return (record?.failed ?? []).map(({ round, activity, from, to, error, host, tookMs }) => {
    const which = from === to ? `attempt ${from}` : `attempts ${from} to ${to}`;
    const took = tookMs === undefined ? '' : ` (${formatDuration(tookMs)})`;
    const where = host === undefined ? '' : `${host}: `;
    return `    ${ofRound(round)}${activity}, ${which}${took}: ${where}${error}`;
  });
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
  return record.error ?? record.note ?? '';
}
