import { describe, expect, it } from 'vitest';
import {
  begin,
  candidatesFor,
  newPair,
  tickPair,
  type Candidate,
  type Pair,
  type PairAction,
} from '../../../../src/drivers/overlay/routed/paths/rendezvous.ts';

const lan = { address: '192.168.10.4', port: 51820 };
const open = { address: '198.51.100.4', port: 51820 };

/** What is done, and when, until that time. */
function actionsUntil(pair: Pair, candidates: Candidate[], end: number) {
  const done: [number, PairAction['kind']][] = [];
  let current = pair;
  for (let now = 0; now <= end; now += 250) {
    const step = tickPair(current, candidates, now);
    current = step.pair;
    if (step.action) done.push([now, step.action.kind]);
  }
  return { done, pair: current };
}

describe('the candidates for a direct path', () => {
  it('are the LAN, then the public endpoint, then where a relay sees the other end', () => {
    const candidates = candidatesFor(3, { number: 4, lanEndpoint: lan, publicEndpoint: open });
    expect(candidates.map((each) => each.kind)).toEqual(['lan', 'public', 'seen']);
  });

  it('are for the end with the lower number to try; the other one waits for it', () => {
    expect(candidatesFor(4, { number: 3, lanEndpoint: lan })).toEqual([]);
    expect(candidatesFor(4, { number: 3, publicEndpoint: open })).toEqual([
      { kind: 'public', endpoint: open, delayMs: 1500 },
    ]);
  });
});

describe('a rendezvous', () => {
  it('goes on to the next candidate after five seconds without a handshake', () => {
    const candidates = candidatesFor(3, { number: 4, lanEndpoint: lan, publicEndpoint: open });
    const { done } = actionsUntil(newPair(candidates, 0), candidates, 11_000);
    expect(done).toEqual([
      [0, 'kick'],
      [5000, 'forget'],
      [5250, 'kick'],
      [10_250, 'forget'],
      [10_500, 'ask'],
    ]);
  });

  it('waits twice as long after each failure, two minutes at most', () => {
    const candidates = candidatesFor(3, { number: 4 });
    const { done } = actionsUntil(newPair(candidates, 0), candidates, 900_000);
    const waits = done
      .slice(1)
      .map(([at], index) => Math.round((at - (done[index]?.[0] ?? 0)) / 1000));
    expect(waits.slice(0, 8)).toEqual([8, 13, 23, 43, 83, 123, 123, 123]);
  });

  it('begins at once at one end, later at the other, which speaks twice', () => {
    const candidates = candidatesFor(3, { number: 4 });
    const first = begin(newPair(candidates, 0), open, 0, 0);
    expect(actionsUntil(first, candidates, 4000).done).toEqual([[0, 'kick']]);
    const second = begin(newPair([], 0), open, 250, 0);
    expect(actionsUntil(second, [], 6000).done).toEqual([
      [250, 'kick'],
      [2250, 'kick'],
      [5250, 'forget'],
    ]);
  });

  it('leaves it to the other end to begin again', () => {
    const { pair } = actionsUntil(begin(newPair([], 0), open, 250, 0), [], 10_000);
    expect(pair.phase).toEqual({ kind: 'waiting', until: Infinity });
  });
});
