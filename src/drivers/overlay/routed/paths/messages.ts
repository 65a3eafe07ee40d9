import { z } from 'zod';
import { endpointSchema } from './config.ts';

const number = z.int().min(1).max(4000);
const id = z.int().min(0).max(0xffff_ffff);

/** All that containers say to each other inside the links. */
const messageSchema = z.discriminatedUnion('t', [
  /** Asks for an `ack`. `size` is that of the whole inner packet, if it is padded to measure the MTU. */
  z.object({ t: z.literal('probe'), id, size: z.int().max(9000).optional() }),
  /** `load`: bytes per second through the relay that answers. `absent`: whom that relay does not hear. */
  z.object({
    t: z.literal('ack'),
    id,
    size: z.int().max(9000).optional(),
    load: z.number().min(0).optional(),
    absent: z.array(number).max(4000).optional(),
  }),
  /** A container holds its direct path to us for dead. */
  z.object({ t: z.literal('fell') }),
  /** Devices of relays whose link is alive at the sender. */
  z.object({ t: z.literal('links'), live: z.array(z.int().min(1).max(2)).max(2) }),
  /** To a relay: bring `with` and me together. */
  z.object({ t: z.literal('meet'), with: number }),
  /** From a relay: say something on your direct device, so that I see where it is now. */
  z.object({ t: z.literal('touch') }),
  z.object({ t: z.literal('touched') }),
  /** From a relay: try this endpoint in so many milliseconds. */
  z.object({
    t: z.literal('begin'),
    with: number,
    endpoint: endpointSchema,
    inMs: z.int().min(0).max(2000),
  }),
  /** From a relay: this container's direct device is now seen elsewhere. */
  z.object({ t: z.literal('moved'), number }),
  /** From a relay: whom it does not hear, when that changes. */
  z.object({ t: z.literal('absent'), numbers: z.array(number).max(4000) }),
]);

export type Message = z.infer<typeof messageSchema>;

/** IPv6 and UDP headers. */
const headerBytes = 48;
const maximumBytes = 9000;

/** A probe with a size is padded with blanks until the inner packet has it. */
export function encodeMessage(message: Message): Buffer {
  const text = JSON.stringify(message);
  if (message.t !== 'probe' || message.size === undefined) return Buffer.from(text);
  return Buffer.from(text.padEnd(message.size - headerBytes, ' '));
}

/** Nothing for what is no message of ours. */
export function decodeMessage(datagram: Buffer): Message | undefined {
  if (datagram.length > maximumBytes) return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(datagram.toString())).data;
  } catch {
    return undefined;
  }
}
