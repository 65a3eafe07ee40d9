import { wanAddresses } from '../places.ts';
import type { Kind } from './kind.ts';

/** No overlay: from VM container to VM container. What all others are measured against. */
export const wire: Kind = {
  name: 'wire',
  title: 'wire',
  needs: {},
  build: () =>
    Promise.resolve({
      from: { place: 'left', address: wanAddresses.left },
      to: { place: 'right', address: wanAddresses.right },
    }),
};
