import { describe, expect, it } from 'vitest';
import {
  choosePath,
  type PathFacts,
} from '../../../../src/drivers/overlay/routed/paths/choose-path.ts';
import {
  chooseRelay,
  type RelayChoice,
  type RelayView,
} from '../../../../src/drivers/overlay/routed/paths/choose-relay.ts';
import { configOf } from './configs.ts';

const config = configOf(3, { relays: [1, 2], others: [1, 2, 4] });

function facts(alive: string[], more: Partial<PathFacts> = {}): PathFacts {
  return {
    alive: (device, number) => alive.includes(`${device}/${number}`),
    reaches: () => true,
    relay: 1,
    current: undefined,
    ...more,
  };
}

describe('the path to a peer', () => {
  it('is the direct one while that is alive', () => {
    expect(choosePath(config, 4, facts(['0/4', '1/1']))).toEqual({ device: 0, class: 'direct' });
  });

  it('is by the relay of one’s choice else', () => {
    expect(choosePath(config, 4, facts(['1/1', '2/2'], { relay: 2 }))).toEqual({
      device: 2,
      class: 'relayed',
    });
  });

  it('is by the other relay when the chosen one does not reach the peer', () => {
    const reaches = (device: number) => device === 2;
    expect(choosePath(config, 4, facts(['1/1', '2/2'], { reaches })).device).toBe(2);
  });

  it('is the relay’s own device when the peer is a relay, and that counts as direct', () => {
    expect(choosePath(config, 2, facts(['0/2', '2/2']))).toEqual({ device: 2, class: 'direct' });
  });

  it('leads to a relay by its direct device, then by the other relay, when its own is dead', () => {
    expect(choosePath(config, 2, facts(['0/2', '1/1'])).device).toBe(0);
    expect(choosePath(config, 2, facts(['1/1']))).toEqual({ device: 1, class: 'relayed' });
  });

  it('is the first relay when nothing is alive, or the relay it was', () => {
    expect(choosePath(config, 4, facts([]))).toEqual({ device: 1, class: 'down' });
    expect(choosePath(config, 4, facts([], { current: 2 })).device).toBe(2);
    expect(choosePath(config, 4, facts([], { current: 0 })).device).toBe(1);
  });

  it('is a relay although direct is alive where the table says so', () => {
    const only = { ...config, relayOnly: true };
    expect(choosePath(only, 4, facts(['0/4', '1/1'])).class).toBe('relayed');
    expect(choosePath(only, 4, facts(['0/4'])).class).toBe('direct');
  });

  it('is of class lan between containers of one site', () => {
    const lan = configOf(3, { relays: [1], others: [1, 4], lan: [4] });
    expect(choosePath(lan, 4, facts(['0/4'])).class).toBe('lan');
  });
});

describe('the relay of one’s choice', () => {
  const views = (...loads: (number | undefined)[]): RelayView[] =>
    loads.map((load, index) => ({ device: index + 1, alive: load !== undefined, load: load ?? 0 }));

  it('is spread over the containers when all are as loaded', () => {
    const devices = [3, 4, 5, 6].map(
      (self) => chooseRelay(views(0, 10), undefined, self, 0).device,
    );
    expect(devices).toEqual([2, 1, 2, 1]);
  });

  it('is the less loaded one in the beginning', () => {
    expect(chooseRelay(views(5e6, 0), undefined, 4, 0).device).toBe(2);
  });

  it('is left at once when it dies, and not taken again because it is back', () => {
    const first: RelayChoice = { device: 1, since: 0 };
    const second = chooseRelay(views(undefined, 0), first, 4, 1000);
    expect(second.device).toBe(2);
    expect(chooseRelay(views(0, 0), second, 4, 2000).device).toBe(2);
  });

  it('is left for one of less than half its load only after half a minute', () => {
    let choice: RelayChoice = { device: 1, since: 0 };
    choice = chooseRelay(views(9e6, 1e6), choice, 4, 100_000);
    expect(choice).toEqual({ device: 1, since: 0, temptedSince: 100_000 });
    expect(chooseRelay(views(3e6, 2.5e6), choice, 4, 110_000).temptedSince).toBeUndefined();
    expect(chooseRelay(views(9e6, 1e6), choice, 4, 129_000).device).toBe(1);
    expect(chooseRelay(views(9e6, 1e6), choice, 4, 130_000).device).toBe(2);
  });
});
