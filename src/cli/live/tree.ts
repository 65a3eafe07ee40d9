import type { WatchedProgress } from '../../client/watched.ts';
import type { StepRecord } from '../../domain/cluster.ts';
import { calmDuration } from './bar.ts';
import { branchesOf, hasFailed, isOver, openParts, vmsOfStep, type Branch } from './branches.ts';
import { siteRows, stateSpans, vmRows, type Scene } from './site-rows.ts';
import { blanks, cell, columnsOf, fit, span, type Line } from './text.ts';

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

const widestSite = 20;
/** Below, what there is to say of a step stands under it. */
const narrowColumns = 72;

/**
 * An operation as a tree of steps, sites and VMs that fits the terminal: of what is over a line per
 * step, of the rest what needs attention first, and how much is not shown.
 */
export function treeLines(progress: WatchedProgress, frame: Frame): Line[] {
  const branches = branchesOf(progress);
  const room = Math.max(0, frame.rows - 1 - branches.length);
  const scene = { progress, now: frame.now, narrow: frame.columns < narrowColumns };
  const draw = (withVms: boolean) => branches.map((branch) => detailLines(branch, scene, withVms));
  const full = draw(true);
  // Rather all sites without their VMs than some with them.
  const details = full.flat().length <= room ? full : shareRoom(draw(false), room);
  const body = branches.flatMap((branch, index) => [
    headLine(branch, scene),
    ...(details[index] ?? []),
  ]);
  // Of more steps than the terminal has rows, the last are those that run.
  const shown = body.slice(Math.max(0, body.length - frame.rows + 1));
  return [titleLine(progress, frame), ...shown].map((line) => fit(line, frame.columns));
}

function titleLine(progress: WatchedProgress, { now, begun, leftMs }: Frame): Line {
  const { cluster, operation, phase, steps, message } = progress;
  return [
    span(`${operation} ${cluster}`, 'strong'),
    span(` · ${calmDuration(now - begun)}`),
    ...(leftMs === undefined ? [] : [span(` · about ${calmDuration(leftMs)} left`)]),
    span(` · ${steps.length === 0 ? message : phase}`, 'dim'),
  ];
}

function headLine(branch: Branch, scene: Scene): Line {
  const { step, records } = branch;
  const { now } = scene;
  const begun = Math.min(...records.map(({ startedAt }) => startedAt));
  const ended = records.every(isOver)
    ? Math.max(...records.map(({ finishedAt }) => finishedAt ?? now))
    : now;
  const skipped = records.filter((record) => record.skipped).length;
  const words = wordsBehind(branch, scene);
  return [
    markOf(records),
    blanks(1),
    cell(step, 12),
    blanks(1),
    cell(placeOf(records), 12),
    span(calmDuration(ended - begun).padStart(12), 'dim'),
    ...(skipped > 0 ? [span(`  ${skipped} left out`, 'dim')] : []),
    ...(words.length > 0 ? [blanks(2), ...words] : []),
  ];
}

/** What is said behind a step that has a single part, which then needs no line of its own. */
function wordsBehind(branch: Branch, scene: Scene): Line {
  const only = onlyPart(branch);
  if (!only || isOver(only) || needsLine(only) || scene.narrow) return [];
  return stateSpans(only, scene);
}

function onlyPart({ records }: Branch): StepRecord | undefined {
  return records.length === 1 ? records[0] : undefined;
}

function needsLine(record: StepRecord): boolean {
  return record.parked !== undefined || hasFailed(record);
}

function placeOf(records: StepRecord[]): string {
  const sites = records.filter(({ site }) => site !== undefined);
  const [only] = sites;
  if (!only) return '';
  if (sites.length === 1) return only.site ?? '';
  const over = sites.filter(isOver).length;
  return over === sites.length ? `${over} sites` : `${over} of ${sites.length}`;
}

function markOf(records: StepRecord[]): Line[number] {
  if (records.some(({ parked }) => parked)) return span('‖', 'bad');
  if (records.some(hasFailed)) return span('✗', 'bad');
  return records.every(isOver) ? span('✓', 'good') : span('•', 'busy');
}

/** Nothing of what is over: a finished step is its head alone, unless it failed somewhere. */
function detailLines(branch: Branch, scene: Scene, withVms: boolean): Line[] {
  const vms = vmsOfStep(branch.step, scene.progress.vms);
  const open = openParts(branch, scene.progress);
  const words = new Map(open.map((record) => [record.site, stateSpans(record, scene)]));
  const only = onlyPart(branch);
  if (only?.site !== undefined && !needsLine(only)) {
    const below = scene.narrow ? indented(words.get(only.site)) : [];
    return [...below, ...(withVms && !isOver(only) ? vmRows(vms) : [])];
  }
  const behind = wordsBehind(branch, scene).length > 0;
  const whole = behind ? [] : indented(words.get(undefined));
  // While the whole cluster waits for its VMs, each site's are shown, though its own part is over.
  const waiting = words.has(undefined) ? sitesOf(vms) : [];
  const sites = [...new Set([...words.keys(), ...waiting])].filter((site) => site !== undefined);
  const width = Math.min(widestSite, Math.max(0, ...sites.map(columnsOf)));
  return [
    ...whole,
    ...sites.flatMap((site) => {
      const here = vms.filter((vm) => vm.site === site);
      return siteRows(site, width, words.get(site) ?? [], here, withVms);
    }),
  ];
}

function indented(words: Line | undefined): Line[] {
  return words && words.length > 0 ? [[blanks(2), ...words]] : [];
}

function sitesOf(vms: { site: string }[]): string[] {
  return [...new Set(vms.map(({ site }) => site))].toSorted();
}

/** Gives each branch an equal part of the rows, and what small ones leave to the others. */
function shareRoom(details: Line[][], room: number): Line[][] {
  let left = room;
  let waiting = details.filter((lines) => lines.length > 0).length;
  return details.map((lines) => {
    if (lines.length === 0) return lines;
    const shown = cut(lines, Math.floor(left / waiting));
    left -= shown.length;
    waiting -= 1;
    return shown;
  });
}

function cut(lines: Line[], rows: number): Line[] {
  if (lines.length <= rows) return lines;
  if (rows <= 0) return [];
  return [...lines.slice(0, rows - 1), [span(`  … and ${lines.length - rows + 1} more`, 'dim')]];
}
