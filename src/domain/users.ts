import { z } from 'zod';
import { clusterNameSchema } from './names.ts';

/** Of a person who uses a cluster: as POSIX has it, and at most as long as Linux takes it. */
export const userNameSchema = z
  .string()
  .max(32, 'a user name has at most 32 characters')
  .regex(
    /^[a-z_][a-z0-9_-]*$/,
    'a user name has lower-case letters, digits, - and _, and starts with a letter',
  );

/** One line of an OpenSSH public key, with or without a comment. */
export const publicKeySchema = z
  .string()
  .max(10_000)
  .regex(
    /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: [\x20-\x7e]*)?$/,
    'must be one line of an OpenSSH public key, as in ~/.ssh/id_ed25519.pub',
  );

/** What is asked of a cluster about its users; the input of the workflow `manageUsers`. */
export const usersRequestSchema = z.strictObject({
  name: clusterNameSchema,
  change: z
    .discriminatedUnion('kind', [
      /** Adds the keys to a user who is there already. */
      z.strictObject({
        kind: z.literal('add'),
        user: userNameSchema,
        keys: z.array(publicKeySchema).min(1).max(50),
      }),
      z.strictObject({
        kind: z.literal('remove'),
        user: userNameSchema,
        /** Deletes the user's files too. */
        withHome: z.boolean().default(false),
      }),
    ])
    .optional(),
});
export type UsersRequest = z.input<typeof usersRequestSchema>;
export type UsersChange = NonNullable<z.infer<typeof usersRequestSchema>['change']>;

/** A user as the frontend has it. */
export const clusterUserSchema = z.strictObject({
  name: z.string(),
  /** The same on every node. */
  uid: z.int(),
  home: z.string(),
  /** How many public keys may log in. */
  keys: z.int(),
});
export type ClusterUser = z.infer<typeof clusterUserSchema>;
