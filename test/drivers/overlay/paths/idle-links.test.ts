import { describe, expect, it } from 'vitest';
import {
  linkOf,
  newKeeperState,
  type KeeperState,
} from '../../../../src/drivers/overlay/routed/paths/keeper-state.ts';
import { proved } from '../../../../src/drivers/overlay/routed/paths/liveness.ts';
import { onTick } from '../../../../src/drivers/overlay/routed/paths/on-tick.ts';
import { configOf } from './configs.ts';

const [direct, relayDevice] = [0, 1];
const [self, other, relay] = [3, 4, 1];

/**
 * Lets a minute pass at container 3 while no VM says anything and every question is answered at once.
 *
 * @returns for each of its links, when its other end was asked, in seconds.
 */
function askedInAMinute(): Record<string, number[]> {
  const config = configOf(self, { relays: [relay], others: [relay, other] });
  const state = newKeeperState(config, 0, () => 0.5);
  for (const { device, number } of state.links.values()) answer(state, device, number, 0);
  const asked: Record<string, number[]> = {};
  for (let now = 100; now <= 60_000; now += 100) {
    onTick(state, now);
    for (const effect of state.effects.splice(0)) {
      // What measures the largest packet has a size.
      if (effect.kind !== 'send' || effect.message.t !== 'probe' || effect.message.size) continue;
      (asked[`${effect.device}/${effect.to}`] ??= []).push(now / 1000);
      answer(state, effect.device, effect.to, now);
    }
  }
  return asked;
}

function answer(state: KeeperState, device: number, number: number, now: number): void {
  const link = linkOf(state, device, number);
  if (!link) throw new Error(`there is no link ${device}/${number}`);
  link.life = proved(link.life, now);
}

describe('an idle link', () => {
  const asked = askedInAMinute();

  it('with a relay is asked every ten seconds, on both of its devices', () => {
    const often = [10, 20, 30, 40, 50, 60];
    expect(asked[`${relayDevice}/${relay}`]).toEqual(often);
    expect(asked[`${direct}/${relay}`]).toEqual(often);
  });

  it('with another container is asked every twenty seconds', () => {
    expect(asked[`${direct}/${other}`]).toEqual([20, 40, 60]);
  });

  it('is there with nobody else', () => {
    expect(Object.keys(asked)).toHaveLength(3);
  });
});
