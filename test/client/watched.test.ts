import { describe, expect, it } from 'vitest';
import { noteOf, type RunningActivity } from '../../src/client/running-activities.ts';
import { WatchEvents } from '../../src/client/watch-events.ts';
import { WatchMemory } from '../../src/client/watched.ts';
import { watchEventSchema } from '../../src/domain/watch-event.ts';
import { done, parkedAtCloud, progress, running, skipped, start } from '../cli/steps.ts';

function upload(bytes: number): RunningActivity {
  return { name: 'ensureImage', site: 'beach', attempt: 1, heartbeat: { bytes, of: 200e6 } };
}

const vm = { name: 'compute-beach-0', site: 'beach', phase: 'kernel' as const };
const booting: RunningActivity = { name: 'waitForNodes', attempt: 1, heartbeat: { vms: [vm] } };

describe('what a watcher remembers', () => {
  it('tells the rate of an upload from the looks of the last half minute', () => {
    const memory = new WatchMemory();
    const rateAt = (seconds: number, bytes: number) =>
      memory.next(progress([]), [upload(bytes)], start + seconds * 1000).uploads[0]?.rate;
    expect(rateAt(0, 10e6)).toBeUndefined();
    expect(rateAt(10, 50e6)).toBe(4e6);
    expect(rateAt(20, 50e6), 'an upload that stands becomes slower').toBe(2e6);
    expect(rateAt(60, 52e6), 'what is long past does not count').toBeUndefined();
    expect(rateAt(62, 1e6), 'another attempt begins anew').toBeUndefined();
  });

  it('keeps a VM of which nothing is heard any more, and takes it as idle when its step is done', () => {
    const memory = new WatchMemory();
    memory.next(progress([]), [booting], start);
    expect(memory.next(progress([running]), [], start).vms).toEqual([vm]);
    const over = { step: 'computes' as const, startedAt: start, finishedAt: start + 1 };
    expect(memory.next(progress([{ ...over, error: 'late' }]), [], start).vms[0]?.phase).toBe(
      'kernel',
    );
    expect(memory.next(progress([over]), [], start).vms[0]?.phase).toBe('idle');
  });

  it('says of an activity why it is tried again rather than how far it was', () => {
    expect(noteOf({ ...upload(10e6), attempt: 3, lastError: 'cut' })).toBe(
      'attempt 3, last error: cut',
    );
    expect(noteOf(upload(10e6))).toBe('10 of 200 MB');
    expect(noteOf({ ...booting, heartbeat: {} })).toBeUndefined();
  });
});

describe('the events of an operation', () => {
  it('are one per change, each as its schema has it', () => {
    const events = new WatchEvents();
    const look = (...args: Parameters<typeof progress>) =>
      events.next(progress(...args), start).map((event) => watchEventSchema.parse(event));
    expect(look([running]).map(({ event }) => event)).toEqual(['step-started']);
    expect(look([running])).toEqual([]);
    expect(look([{ ...running, finishedAt: start + 5 }])).toMatchObject([
      { event: 'step-finished', step: 'edges', site: 'alpine', outcome: 'done', tookMs: 5 },
    ]);
    expect(look([done, parkedAtCloud, skipped])).toMatchObject([
      { event: 'step-started', step: 'register' },
      { event: 'step-finished', step: 'register' },
      { event: 'step-started', step: 'vms', round: 2 },
      { event: 'step-parked', step: 'vms', kind: 'Unreachable', nextTryAt: start + 17_000 },
      { event: 'step-started', step: 'edges' },
      { event: 'step-finished', outcome: 'skipped', error: 'site cloud does not answer' },
    ]);
    expect(look([], { vms: [vm] })).toMatchObject([{ event: 'vm', vm: vm.name, phase: 'kernel' }]);
    expect(look([], { vms: [vm] })).toEqual([]);
  });

  it('tell of an upload every two seconds at most, and of its end at once', () => {
    const events = new WatchEvents();
    const at = (ms: number, bytes: number) =>
      events.next(progress([], { uploads: [{ site: 'beach', bytes, of: 9 }] }), start + ms).length;
    expect([at(0, 1), at(1_000, 2), at(2_000, 3), at(2_500, 9), at(9_000, 9)]).toEqual([
      1, 0, 1, 1, 0,
    ]);
  });
});
