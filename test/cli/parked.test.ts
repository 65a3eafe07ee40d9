import { describe, expect, it } from 'vitest';
import {
  nextCommand,
  parkedLines,
  parkedSentence,
  parkedSteps,
  ParkedWatch,
} from '../../src/cli/parked.ts';
import { done, parkedAtBeach, parkedAtCloud, running, start } from './steps.ts';

const [atBeach, atCloud] = parkedSteps([done, running, parkedAtBeach, parkedAtCloud]);

describe('a parked step', () => {
  it('is told with its place, its cause and what to do', () => {
    expect(parkedSentence(atBeach!, start)).toBe(
      'step image at site beach, host h1 is parked: the host key of h1 has changed; ' +
        'ask the administrator of site beach; then `mvc resume demo`',
    );
  });

  it('that is tried again by itself says when', () => {
    expect(parkedSentence(atCloud!, start + 7_000)).toContain('(next try in 10.0 s)');
    expect(parkedSentence(atCloud!, start + 18_000)).toContain('(next try now)');
  });

  it('is shown with since when, and whether it may be left out', () => {
    expect(parkedLines(atBeach!, start + 61_000)[1]).toBe('    since 1 min 00 s');
    expect(parkedLines(atCloud!, start + 7_000)[1]).toBe(
      '    since 5.0 s, next try in 10.0 s; may be left out: add --skip',
    );
  });

  it('of a removal goes on by itself, of all else by resume', () => {
    expect(nextCommand('destroy', 'demo')).toBe(
      'it goes on by itself when the site is back; `mvc resume demo --skip` leaves it out',
    );
    expect(nextCommand('scale', 'demo')).toBe('next: mvc resume demo');
  });
});

describe('an operation of which all is parked', () => {
  it('is known as such when nothing else was seen for three seconds', () => {
    const watch = new ParkedWatch();
    const steps = [done, parkedAtBeach];
    expect(watch.isSettled(steps, start)).toBe(false);
    expect(watch.isSettled(steps, start + 2_900)).toBe(false);
    expect(watch.isSettled(steps, start + 3_000)).toBe(true);
  });

  it('is not known as such while a step runs, also if that runs in between only', () => {
    const watch = new ParkedWatch();
    expect(watch.isSettled([parkedAtBeach], start)).toBe(false);
    expect(watch.isSettled([parkedAtBeach, running], start + 2_000)).toBe(false);
    expect(watch.isSettled([parkedAtBeach], start + 4_000)).toBe(false);
    expect(watch.isSettled([parkedAtBeach], start + 7_000)).toBe(true);
  });

  it('is none without a parked step', () => {
    const watch = new ParkedWatch();
    expect(watch.isSettled([], start)).toBe(false);
    expect(watch.isSettled([done], start + 10_000)).toBe(false);
  });
});
