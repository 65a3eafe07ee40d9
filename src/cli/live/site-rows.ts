import type { WatchedProgress } from '../../client/watched.ts';
import type { StepRecord } from '../../domain/cluster.ts';
import { vmPhases, type VmAtPhase, type VmPhase } from '../../domain/heartbeat.ts';
import { parkedSentence, parkedSteps } from '../parked.ts';
import { activitiesOf } from './activity-steps.ts';
import { bar, bytesOf, calmDuration, rateOf } from './bar.ts';
import { cell, span, type Line, type Tone } from './text.ts';

/** One site's part of a step that is not over. */
export function siteRow(record: StepRecord, progress: WatchedProgress, now: number): Line {
  const place = `    ${cell(record.site ?? 'cluster', 12)}  `;
  return [{ text: place, tone: 'plain' }, ...stateSpans(record, progress, now)];
}

function stateSpans(record: StepRecord, progress: WatchedProgress, now: number): Line {
  const [parked] = parkedSteps([record]);
  if (parked) return [span(`‖ ${parkedSentence(parked, now)}`, 'bad')];
  if (record.error !== undefined && !record.skipped) return [span(`✗ ${record.error}`, 'bad')];
  const working = activitiesOf(record, progress.activities);
  const failing = working.find((each) => each.lastError !== undefined);
  const rounds = record.rounds === undefined ? '' : `round ${record.rounds} `;
  return [
    ...(failing ? [span(`attempt ${failing.attempt}: ${failing.lastError}  `, 'bad')] : []),
    ...uploadSpans(record, progress),
    ...(rounds ? [span(rounds)] : []),
    ...working.flatMap(({ heartbeat }) =>
      heartbeat.note !== undefined && !heartbeat.vms ? [span(`${heartbeat.note}  `)] : [],
    ),
    span(calmDuration(now - record.startedAt), 'dim'),
  ];
}

function uploadSpans(record: StepRecord, { uploads }: WatchedProgress): Line {
  const upload = record.step === 'image' && uploads.find(({ site }) => site === record.site);
  if (!upload) return [];
  const rate = upload.rate === undefined ? '' : `  ${rateOf(upload.rate)}`;
  return [
    span(bar(upload.bytes, upload.of), 'busy'),
    span(` ${bytesOf(upload.bytes, upload.of)}${rate}  `),
  ];
}

const toneOfPhase: Partial<Record<VmPhase, Tone>> = { idle: 'good', drained: 'dim', off: 'dim' };

/** A line per VM, those that are least far first. */
export function vmRows(vms: VmAtPhase[]): Line[] {
  const width = Math.max(0, ...vms.map(({ name }) => name.length));
  return vms
    .toSorted((a, b) => vmPhases.indexOf(a.phase) - vmPhases.indexOf(b.phase))
    .map(({ name, phase }) => [
      span('      '),
      { text: `${cell(name, Math.min(width, 24))}  `, tone: 'plain' },
      span(phase, toneOfPhase[phase] ?? 'busy'),
    ]);
}

/** Many VMs in one line: `3 DHCP, 5 kernel, 12 idle`. */
export function vmCounts(vms: VmAtPhase[]): string {
  return vmPhases
    .flatMap((phase) => {
      const count = vms.filter((vm) => vm.phase === phase).length;
      return count === 0 ? [] : [`${count} ${phase}`];
    })
    .join(', ');
}
