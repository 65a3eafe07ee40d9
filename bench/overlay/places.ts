/**
 * Where things are: two VM containers and their VMs, the hub (a third site, through which a relayed
 * overlay goes) and the network between the three. Each is a network namespace.
 */
export const places = ['left', 'right', 'leftVm', 'rightVm', 'hub', 'wan'] as const;
export type Place = (typeof places)[number];

export const sides = ['left', 'right'] as const;
export type Side = (typeof sides)[number];

/** Addresses on the network between the sites. */
export const wanAddresses = { left: '192.0.2.1', right: '192.0.2.2', hub: '192.0.2.3' } as const;
export const wanDevice = 'wan0';

export function vmPlace(side: Side): Place {
  return side === 'left' ? 'leftVm' : 'rightVm';
}

export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** A VM's address in the overlay of this number; each overlay is a network of its own. */
export function vmAddress(side: Side, overlay: number): string {
  return `10.213.${overlay}.${side === 'left' ? 1 : 2}`;
}

/** Of the VM's interface in the overlay of this number. */
export function vmMac(side: Side, overlay: number): string {
  return `02:00:00:00:${overlay.toString(16).padStart(2, '0')}:0${side === 'left' ? 1 : 2}`;
}
