import type { WatchedProgress } from '../../client/watched.ts';
import type { StepRecord } from '../../domain/cluster.ts';
import { vmPhases, type VmAtPhase, type VmPhase } from '../../domain/heartbeat.ts';
import { parkedSentence, parkedSteps } from '../parked.ts';
import { activitiesOf } from './activity-steps.ts';
import { bar, bytesOf, calmDuration, rateOf } from './bar.ts';
import { blanks, cell, columnsOf, span, type Line, type Tone } from './text.ts';

/** A step that was stopped by a cancellation has no error to tell. */
const wordless = 'cancelled';
const siteIndent = 2;
const vmIndent = 4;

/** What rows are made from. */
export interface Scene {
  progress: WatchedProgress;
  /** Milliseconds since 1970. */
  now: number;
  /** Too few columns for ornament and for words behind the steps. */
  narrow: boolean;
}

/** A site, what there is to say of it, and its VMs: each with its phase, or how many are how far. */
export function siteRows(
  site: string,
  width: number,
  words: Line,
  vms: VmAtPhase[],
  withVms: boolean,
): Line[] {
  const head = [blanks(siteIndent), cell(site, width), blanks(2), ...words];
  if (!withVms) return [words.length > 0 ? head : [...head, span(vmCounts(vms), 'dim')]];
  const [only, more] = vms;
  if (only && !more && words.length === 0)
    return [[...head, ...vmSpans(only, columnsOf(only.name))]];
  return [head, ...vmRows(vms)];
}

/** What there is to say of a step that is not over: errors, uploads, notes; nothing if it just runs. */
export function stateSpans(record: StepRecord, scene: Scene): Line {
  const { progress, now } = scene;
  const [parked] = parkedSteps([record]);
  if (parked) return [span(`‖ ${parkedSentence(parked, now)}`, 'bad')];
  if (record.error !== undefined && !record.skipped)
    return [span(`✗ ${record.error || wordless}`, 'bad')];
  const working = activitiesOf(record, progress.activities);
  const failing = working.find((each) => each.lastError !== undefined);
  const parts: Line[] = [
    ...(record.rounds === undefined ? [] : [[span(`round ${record.rounds}`)]]),
    ...(failing ? [[span(`attempt ${failing.attempt}: ${failing.lastError}`, 'bad')]] : []),
    ...uploadParts(record, scene),
    ...working.flatMap(({ heartbeat: { note, vms } }) =>
      // How far each of several VMs is tells more than a sentence on all of them.
      note === undefined || (vms?.length ?? 0) > 1 ? [] : [[span(note)]],
    ),
  ];
  return parts.flatMap((part, index) => (index === 0 ? part : [blanks(2), ...part]));
}

function uploadParts(record: StepRecord, { progress, narrow }: Scene): Line[] {
  const upload =
    record.step === 'image' && progress.uploads.find(({ site }) => site === record.site);
  if (!upload) return [];
  const { bytes, of, rate } = upload;
  const left = rate ? `, ${calmDuration(((of - bytes) * 1000) / rate)} left` : '';
  const speed = rate === undefined ? '' : `  ${rateOf(rate)}${left}`;
  const picture = narrow ? [] : [span(bar(bytes, of), 'busy'), blanks(1)];
  return [[...picture, span(bytesOf(bytes, of) + speed)]];
}

const toneOfPhase: Partial<Record<VmPhase, Tone>> = { idle: 'good', drained: 'dim', off: 'dim' };

/** A line per VM, those that are least far first. */
export function vmRows(vms: VmAtPhase[]): Line[] {
  const width = Math.min(24, Math.max(0, ...vms.map(({ name }) => name.length)));
  return byPhase(vms).map((vm) => [blanks(vmIndent), ...vmSpans(vm, width)]);
}

function vmSpans({ name, phase }: VmAtPhase, width: number): Line {
  return [cell(name, width), blanks(2), span(phase, toneOfPhase[phase] ?? 'busy')];
}

function byPhase(vms: VmAtPhase[]): VmAtPhase[] {
  return vms.toSorted((a, b) => vmPhases.indexOf(a.phase) - vmPhases.indexOf(b.phase));
}

/** Many VMs in few words: `3 DHCP, 5 kernel, 12 idle`. */
function vmCounts(vms: VmAtPhase[]): string {
  return vmPhases
    .flatMap((phase) => {
      const count = vms.filter((vm) => vm.phase === phase).length;
      return count === 0 ? [] : [`${count} ${phase}`];
    })
    .join(', ');
}
