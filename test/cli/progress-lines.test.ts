import { describe, expect, it } from 'vitest';
import { ProgressLines } from '../../src/cli/progress-lines.ts';
import { done, parkedAtBeach, parkedAtCloud, progress, running, skipped, start } from './steps.ts';

const now = start + 10_000;

function linesOf(...steps: Parameters<typeof progress>[0]): string[] {
  return new ProgressLines(start).next(progress(steps), now).lines;
}

describe('the progress of an operation', () => {
  it('has a line per step that is done or failed, with how long it took', () => {
    const failed = { ...done, site: 'beach', error: 'no such bridge' };
    expect(linesOf(done, failed, running)).toEqual([
      '✓ register     alpine                     1.5 s',
      '✗ register     beach                      1.5 s  no such bridge',
    ]);
  });

  it('has a line per parked step that says where, why, what next and when', () => {
    expect(linesOf(parkedAtBeach, parkedAtCloud)).toEqual([
      '‖ step image at site beach, host h1 is parked: the host key of h1 has changed; ask the administrator of site beach; then `mvc resume demo`',
      '‖ step vms at site cloud is parked: site cloud does not answer; it is tried again by itself, `mvc resume demo` tries at once (next try in 7.0 s)',
    ]);
  });

  it('marks what was left out, and says in which round a step was done', () => {
    expect(linesOf(skipped, { ...done, rounds: 2 })).toEqual([
      '– edges        cloud                      9.0 s  in round 3: left out: site cloud does not answer',
      '✓ register     alpine                     1.5 s  in round 2',
    ]);
  });

  it('tells each thing once, and a step that parks anew again', () => {
    const lines = new ProgressLines(start);
    expect(lines.next(progress([parkedAtBeach]), now).lines).toHaveLength(1);
    expect(lines.next(progress([parkedAtBeach]), now).lines).toEqual([]);
    const { parked, ...resumed } = parkedAtBeach;
    expect(lines.next(progress([resumed]), now).lines).toEqual([]);
    const again = { ...parkedAtBeach, rounds: 2, parked: { ...parked!, since: now } };
    expect(lines.next(progress([again]), now).lines).toHaveLength(1);
    const end = { ...resumed, rounds: 3, finishedAt: now };
    expect(lines.next(progress([end]), now).lines).toEqual([
      '✓ image        beach                     10.0 s  in round 3',
    ]);
  });

  it('says what runs, what its activities say of themselves, and what is parked beside', () => {
    const { status, busy } = new ProgressLines(start).next(
      progress([running, parkedAtBeach], { notes: ['ensureImage: 10 of 200 MB'] }),
      now,
    );
    expect(status).toBe('… 10.0 s  edges (parked: image): ensureImage: 10 of 200 MB');
    expect(busy).toBe(true);
  });

  it('says that all waits when nothing runs', () => {
    const { status, busy } = new ProgressLines(start).next(progress([parkedAtBeach]), now);
    expect(status).toBe('… 10.0 s  parked: image: 3 sites, origin alpine');
    expect(busy).toBe(false);
  });
});
