import { z } from 'zod';
import { endpointSchema } from './config.ts';

/** What the keeper of paths tells of itself: `paths-state.json`. */
export const pathsStateSchema = z.object({
  version: z.literal(1),
  /** When it was written, in seconds since 1970; at least every 30 s while the keeper runs. */
  at: z.int(),
  self: z.int(),
  /** Numbers of the relays whose link is alive; the relay itself is among them. */
  relaysAlive: z.array(z.int()),
  paths: z.array(
    z.object({
      number: z.int(),
      name: z.string(),
      /** `down`: no path is known to be alive; packets go to the first relay. */
      class: z.enum(['lan', 'direct', 'relayed', 'down']),
      /** Name of the relay that carries it. */
      via: z.string().optional(),
      /** Whether the direct link with it is alive, also where traffic takes another. */
      directAlive: z.boolean().optional(),
      /** How the first link of the path is carried. */
      carrier: z.enum(['udp', 'tcp']),
      rttMs: z.number().optional(),
      /** Largest packet that was seen to pass. */
      mtu: z.int().optional(),
      /** When the path got this class and relay, in seconds since 1970. */
      since: z.int(),
      /** The other end's, as WireGuard uses it. */
      endpoint: endpointSchema.optional(),
    }),
  ),
});

export type PathsState = z.infer<typeof pathsStateSchema>;
export type PathClass = PathsState['paths'][number]['class'];
