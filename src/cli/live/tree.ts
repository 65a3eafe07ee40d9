import type { WatchedProgress } from '../../client/watched.ts';
import type { StepRecord } from '../../domain/cluster.ts';
import type { VmAtPhase } from '../../domain/heartbeat.ts';
import { isRunning } from '../parked.ts';
import { calmDuration } from './bar.ts';
import { siteRow, vmCounts, vmRows } from './site-rows.ts';
import { cell, fit, span, type Line } from './text.ts';

/** What the tree is drawn for. Times in milliseconds. */
export interface Frame {
  columns: number;
  rows: number;
  /** Since 1970. */
  now: number;
  begun: number;
  /** Until the end, if it can be said. */
  leftMs?: number | undefined;
}

/** A step at all its sites. */
interface Branch {
  step: string;
  records: StepRecord[];
}

/**
 * An operation as a tree of steps, sites and VMs that fits the terminal: of what is over a line per
 * step, of the rest what needs attention first, and how much is not shown.
 */
export function treeLines(progress: WatchedProgress, frame: Frame): Line[] {
  const branches = branchesOf(progress.steps);
  const heads = branches.map((branch) => headLine(branch, frame.now));
  const details = branches.map((branch) => detailLines(branch, progress, frame.now));
  // Title, blank line, and one line for what a branch does not show.
  const room = Math.max(0, frame.rows - 2 - heads.length);
  const shown = shareRoom(details, room);
  const body = branches.flatMap((_, index) => [heads[index] ?? [], ...(shown[index] ?? [])]);
  const lines = [titleLine(progress, frame), ...tail(body, frame.rows - 1)];
  return lines.map((line) => fit(line, frame.columns));
}

/** Of more steps than the terminal has rows, the last are those that run. */
function tail(lines: Line[], rows: number): Line[] {
  return lines.length <= rows ? lines : lines.slice(lines.length - Math.max(0, rows));
}

function titleLine(progress: WatchedProgress, { now, begun, leftMs }: Frame): Line {
  const left = leftMs === undefined ? '' : `, about ${calmDuration(leftMs)} left`;
  return [
    span(`${progress.cluster}: ${progress.operation}`, 'strong'),
    span(`  ${calmDuration(now - begun)}${left}`),
    span(`  ${progress.steps.length === 0 ? progress.message : progress.phase}`, 'dim'),
  ];
}

function branchesOf(steps: StepRecord[]): Branch[] {
  const branches = new Map<string, StepRecord[]>();
  for (const record of steps) {
    branches.set(record.step, [...(branches.get(record.step) ?? []), record]);
  }
  return [...branches].map(([step, records]) => ({ step, records }));
}

function headLine({ step, records }: Branch, now: number): Line {
  const open = records.filter((record) => record.finishedAt === undefined);
  const failed = records.filter((record) => record.error !== undefined && !record.skipped);
  const skipped = records.filter((record) => record.skipped).length;
  const begun = Math.min(...records.map((record) => record.startedAt));
  const ended =
    open.length > 0 ? now : Math.max(...records.map(({ finishedAt }) => finishedAt ?? 0));
  const count =
    records.length === 1
      ? (records[0]?.site ?? '')
      : open.length === 0
        ? `${records.length} sites`
        : `${records.length - open.length} of ${records.length}`;
  return [
    markSpan(open, failed),
    { text: ` ${cell(step, 12)} ${cell(count, 12)} `, tone: 'plain' },
    span(calmDuration(ended - begun).padStart(11), 'dim'),
    ...(skipped > 0 ? [span(`  ${skipped} left out`, 'dim')] : []),
  ];
}

function markSpan(open: StepRecord[], failed: StepRecord[]): Line[number] {
  if (open.some((record) => record.parked)) return span('‖', 'bad');
  if (failed.length > 0) return span('✗', 'bad');
  return open.length > 0 ? span('•', 'busy') : span('✓', 'good');
}

/** Nothing of what is over: a finished step is its head alone, unless it failed somewhere. */
function detailLines({ step, records }: Branch, progress: WatchedProgress, now: number): Line[] {
  const open = records
    .filter(({ finishedAt, error, skipped }) => finishedAt === undefined || (error && !skipped))
    .toSorted((a, b) => urgency(b, progress) - urgency(a, progress));
  return [
    ...open.flatMap((record) => [
      siteRow(record, progress, now),
      ...(record.site === undefined ? [] : vmRows(vmsOf(step, record.site, progress.vms))),
    ]),
    ...(open.some(({ site }) => site === undefined) ? bySite(step, progress.vms) : []),
  ];
}

/** Parked and failed first, then what is tried again. */
function urgency(record: StepRecord, { activities }: WatchedProgress): number {
  if (!isRunning(record)) return 2;
  const tried = ({ site, lastError }: (typeof activities)[number]) =>
    site === record.site && lastError !== undefined;
  return activities.some(tried) ? 1 : 0;
}

function vmsOf(step: string, site: string, vms: VmAtPhase[]): VmAtPhase[] {
  return vms.filter((vm) => vm.site === site && belongs(step, vm));
}

function belongs(step: string, vm: VmAtPhase): boolean {
  if (step === 'frontend') return vm.name === 'frontend';
  return step === 'computes' && vm.name !== 'frontend';
}

/** For a step of the whole cluster: each site with its VMs. */
function bySite(step: string, vms: VmAtPhase[]): Line[] {
  const mine = vms.filter((vm) => belongs(step, vm));
  const sites = [...new Set(mine.map(({ site }) => site))];
  return sites.flatMap((site) => {
    const here = mine.filter((vm) => vm.site === site);
    return [
      [{ text: `    ${cell(site, 12)}  `, tone: 'plain' as const }, span(vmCounts(here), 'dim')],
      ...vmRows(here),
    ];
  });
}

/** Gives each branch an equal part of the rows, and what small ones leave to the others. */
function shareRoom(details: Line[][], room: number): Line[][] {
  let left = room;
  let waiting = details.filter((lines) => lines.length > 0).length;
  return details.map((lines) => {
    if (lines.length === 0) return lines;
    const part = Math.floor(left / waiting);
    const shown = cut(lines, part);
    left -= shown.length;
    waiting -= 1;
    return shown;
  });
}

function cut(lines: Line[], rows: number): Line[] {
  if (lines.length <= rows) return lines;
  if (rows <= 0) return [];
  const hidden = lines.length - rows + 1;
  return [...lines.slice(0, rows - 1), [span(`    … ${hidden} more lines`, 'dim')]];
}
