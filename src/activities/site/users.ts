import { z } from 'zod';
import { parseInput } from '../../domain/failure.ts';
import { clusterUserSchema, type ClusterUser, type UsersChange } from '../../domain/users.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';
import { runOfRoll, type GuestAddress, type runInGuest } from './guest.ts';

const program = '/usr/lib/mvc/users';
/** By which the program says that it was asked for something impossible. */
const failures = { 2: 'BadInput' } as const;

/** Activities about the people who use a cluster. Their accounts are kept at its frontend. */
export function createUserActivities(drivers: SiteDrivers) {
  return {
    async listUsers(input: { frontend: GuestAddress }): Promise<ClusterUser[]> {
      return activity(async (watch) => {
        const argv = [program, 'list'];
        const output = await runOfRoll('home', drivers, input.frontend, argv, {}, watch);
        return parseInput(z.array(clusterUserSchema), JSON.parse(output), 'the list of users');
      });
    },

    /** Safe to repeat: a user who is there is kept, with further keys. */
    async changeUser(input: { frontend: GuestAddress; change: UsersChange }): Promise<void> {
      const { frontend, change } = input;
      return activity(async (watch) => {
        await runOfRoll('home', drivers, frontend, ...commandOf(change), watch);
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
