import { describe, expect, it } from 'vitest';
import {
  adopt,
  linkOf,
  newKeeperState,
} from '../../../../src/drivers/overlay/routed/paths/keeper-state.ts';
import { configOf } from './configs.ts';

/** Whether the container sets up its link with the other one on that device by itself. */
function keeps(self: number, other: number, device: number): boolean {
  const others = [1, 2, 3, 4].filter((number) => number !== self);
  const state = newKeeperState(configOf(self, { relays: [1, 2], others }), 0, () => 0.5);
  return linkOf(state, device, other)?.recovery !== undefined;
}

describe('a link with a relay', () => {
  it('is set up by the spoke, on the relay’s device and on that for direct links', () => {
    expect([keeps(3, 1, 0), keeps(3, 1, 1), keeps(3, 2, 0), keeps(3, 2, 2)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([keeps(1, 3, 0), keeps(1, 3, 1)]).toEqual([false, false]);
  });

  it('is set up by one of two relays on the device for direct links', () => {
    expect([keeps(1, 2, 0), keeps(2, 1, 0)]).toEqual([true, false]);
  });

  it('is set up by each of two relays where the other relays', () => {
    expect([keeps(1, 2, 2), keeps(2, 1, 1)]).toEqual([true, true]);
    expect([keeps(1, 2, 1), keeps(2, 1, 2)]).toEqual([false, false]);
  });

  it('is left to rendezvous between containers of which neither relays', () => {
    expect([keeps(3, 4, 0), keeps(4, 3, 0)]).toEqual([false, false]);
  });
});

describe('another table', () => {
  it('makes what passed to a container that has left forgotten: its number may be the next one’s', () => {
    const of = (others: number[]) => configOf(3, { relays: [1, 2], others });
    const state = newKeeperState(of([1, 2, 4]), 0, () => 0.5);
    state.mtus.set(1, new Map([[1, 1420]]));
    state.mtus.set(4, new Map([[0, 1420]]));
    adopt(state, of([1, 2]), 1000);
    expect([...state.mtus.keys()]).toEqual([1]);
  });
});
