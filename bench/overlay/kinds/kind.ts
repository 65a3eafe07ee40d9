import type { Ground } from '../ground.ts';
import { vmAddress, type Place } from '../places.ts';

/** Between whom is measured. */
export interface Path {
  from: { place: Place; address: string };
  to: { place: Place; address: string };
  /** Waits until packets go the way that is to be measured; they already arrive. */
  settled?: () => Promise<void>;
}

export interface Kind {
  name: string;
  /** As readers see it. */
  title: string;
  /** Programs that it needs, and the Debian packages that have them. */
  needs: Record<string, string>;
  /** Builds it on the ground. @param overlay its number, unlike that of all others there. */
  build(ground: Ground, overlay: number): Promise<Path>;
}

export function betweenVms(overlay: number): Path {
  return {
    from: { place: 'leftVm', address: vmAddress('left', overlay) },
    to: { place: 'rightVm', address: vmAddress('right', overlay) },
  };
}
