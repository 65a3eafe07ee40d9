/**
 * What the store knows of a VM, in the order of its life. `changed`: its definition is another one
 * than that by which it was made, so it is stopped and made anew. `leaving`: it must be removed, then
 * its row is deleted; until then nobody else gets its name, MAC, address or port. `stopped`: it is
 * wanted off.
 */
export const vmStates = [
  'planned',
  'reserved',
  'installing',
  'ready',
  'changed',
  'leaving',
  'stopped',
] as const;
export type VmState = (typeof vmStates)[number];

/** True of a VM that the cluster is to keep, running or off. */
export function isStaying({ state }: { state: string }): boolean {
  return state !== 'leaving';
}

export function isToRun({ state }: { state: string }): boolean {
  return state !== 'leaving' && state !== 'stopped';
}

/** True once more than a reservation may exist of a VM. */
export function isMade({ state }: { state: string }): boolean {
  return state !== 'planned' && state !== 'reserved' && state !== 'leaving';
}
