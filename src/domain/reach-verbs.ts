import { z } from 'zod';
import { digestSchema, interfaceNameSchema, ipv4Schema, portSchema } from './names.ts';

/** Names who sends within one trial: `<site>/<host>`. */
const senderSchema = z.string().regex(/^[a-z][a-z0-9-]{0,19}\/[a-z][a-z0-9-]{0,19}$/);
/** Datagrams of another trial, or of strangers, do not carry it. */
const tokenSchema = z.string().regex(/^[0-9a-f]{32}$/);
const secondsSchema = z.int().min(1).max(10);

/** Verbs by which `mvc site check` tries a host. They change nothing there. */
export const reachVerbs = {
  /** What the host has of ours, and its clock. */
  'host.check': {
    input: z.strictObject({ bridges: z.array(interfaceNameSchema).max(8) }),
    output: z.strictObject({
      /** Milliseconds since 1970. */
      clockMs: z.int(),
      /** SHA-256 of the installed program. */
      programDigest: digestSchema,
      udpPorts: z.strictObject({ first: portSchema, last: portSchema }),
      /** Those asked for which the host has not, or which its policy does not allow. */
      missingBridges: z.array(z.string()),
      forbiddenBridges: z.array(z.string()),
      /** Absent if an older program answers. */
      forwardsIpv4: z.boolean().optional(),
    }),
  },
  /** Answers the trial's datagrams on a port that the host's policy allows, for so many seconds. */
  'udp.listen': {
    input: z.strictObject({ port: portSchema, token: tokenSchema, seconds: secondsSchema }),
    output: z.strictObject({ heard: z.array(senderSchema).max(300) }),
  },
  /** Sends a few datagrams a second until one is answered or the time is over. */
  'udp.ask': {
    input: z.strictObject({
      address: ipv4Schema,
      port: portSchema.min(1024),
      token: tokenSchema,
      sender: senderSchema,
      seconds: secondsSchema,
    }),
    output: z.strictObject({
      answered: z.boolean(),
      /** Milliseconds from a datagram to its answer. */
      rttMs: z.number().optional(),
    }),
  },
} as const;
