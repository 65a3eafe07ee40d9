import { z } from 'zod';
import { Failure, parseInput } from '../../domain/failure.ts';
import { clusterUserSchema, type ClusterUser, type UsersChange } from '../../domain/users.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';
import { runInGuest, type GuestAddress } from './guest.ts';

const program = '/usr/lib/mvc/users';
/** By which the program says that it was asked for something impossible, and a shell that there is none. */
const failures = { 2: 'BadInput' } as const;

/** Activities about the people who use a cluster. Their accounts are kept at its frontend. */
export function createUserActivities(drivers: SiteDrivers) {
  return {
    async listUsers(input: { frontend: GuestAddress }): Promise<ClusterUser[]> {
      return activity(async (watch) => {
        const output = await runInGuest(
          drivers,
          input.frontend,
          [program, 'list'],
          {},
          watch,
        ).catch((error: unknown) => {
          throw withoutUsers(error, input.frontend);
        });
        return parseInput(z.array(clusterUserSchema), JSON.parse(output), 'the list of users');
      });
    },

    /** Safe to repeat: a user who is there is kept, with further keys. */
    async changeUser(input: { frontend: GuestAddress; change: UsersChange }): Promise<void> {
      const { frontend, change } = input;
      return activity(async (watch) => {
        try {
          await runInGuest(drivers, frontend, ...commandOf(change), watch);
        } catch (error) {
          throw withoutUsers(error, frontend);
        }
      });
    },
  };
}

function commandOf(change: UsersChange): [string[], Parameters<typeof runInGuest>[3]] {
  switch (change.kind) {
    case 'add': {
      const stdin = change.keys.map((key) => `${key}\n`).join('');
      return [[program, 'add', change.user], { stdin, failures }];
    }
    case 'remove':
      return [
        [program, 'remove', change.user, ...(change.withHome ? ['--with-home'] : [])],
        { failures, timeoutMs: 120_000 },
      ];
  }
}

/** A frontend of an image without the roll has no such program, which its guest agent tells in its own words. */
function withoutUsers(error: unknown, { operation }: GuestAddress): unknown {
  if (!(error instanceof Failure) || !/No such file|not found/i.test(error.message)) return error;
  const { cluster } = operation.mark;
  return new Failure('BadInput', `cluster ${cluster} has no users of its own`, {
    help: 'it was created without the roll `home`; clusters that are created now have it',
    cause: error,
  });
}
