import { describe, expect, it } from 'vitest';
import {
  heard,
  lost,
  newLiveness,
  proved,
  tick,
  unanswered,
  type Liveness,
} from '../../../../src/drivers/overlay/routed/paths/liveness.ts';

/** Lets time pass in steps; returns the link, and when it was probed. */
function pass(link: Liveness, from: number, to: number, each?: (link: Liveness) => Liveness) {
  const probes: number[] = [];
  let current = link;
  for (let now = from; now <= to; now += 100) {
    const done = tick(each ? each(current) : current, now, 10_000);
    current = done.link;
    if (done.probe) probes.push(now);
  }
  return { link: current, probes };
}

describe('the life of a link', () => {
  it('begins with the first answer, not with what is heard', () => {
    const link = heard(newLiveness(0), 10);
    expect(link.alive).toBe(false);
    expect(proved(link, 20, 5)).toMatchObject({ alive: true, rttMs: 5 });
  });

  it('is probed once it was idle for its time', () => {
    const { link, probes } = pass(proved(newLiveness(0), 0), 0, 10_000);
    expect(probes).toEqual([10_000]);
    expect(link.alive).toBe(true);
  });

  it('ends after three probes without an answer, within two seconds of the last word', () => {
    const link = proved(newLiveness(0), 0);
    const { link: after, probes } = pass(link, 0, 1700, (each) =>
      each.alive ? unanswered(each, Math.max(500, each.doubt?.sentAt ?? 500)) : each,
    );
    expect(probes).toEqual([0, 300, 600]);
    expect(after).toMatchObject({ alive: false, deadSince: 900 });
  });

  it('is in no doubt when the answer to a packet is still young', () => {
    const link = proved(newLiveness(0), 1000);
    expect(unanswered(link, 1250)).toBe(link);
    expect(unanswered(link, 1500).doubt).toBeDefined();
  });

  it('is out of doubt as soon as anything is heard', () => {
    const doubtful = unanswered(proved(newLiveness(0), 0), 600);
    expect(heard(doubtful, 700).doubt).toBeUndefined();
  });

  it('remembers since when it is dead', () => {
    const dead = lost(proved(newLiveness(0), 10), 50);
    expect(lost(dead, 90)).toMatchObject({ alive: false, deadSince: 50 });
  });
});
