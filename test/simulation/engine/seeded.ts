import type { Random } from './random.ts';

let random: Random | undefined;

/** Where the product's random bytes come from while a simulation runs. */
export function setSeeded(next: Random | undefined): void {
  random = next;
}

export function currentRandom(): Random {
  if (random) return random;
  throw new Error('no simulation is running');
}
