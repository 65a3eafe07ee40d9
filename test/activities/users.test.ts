import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, expect, it } from 'vitest';
import { createTopologyActivities } from '../../src/activities/site/topology.ts';
import { createUserActivities } from '../../src/activities/site/users.ts';
import { Failure } from '../../src/domain/failure.ts';
import type { Site } from '../../src/domain/site.ts';
import type { SiteDriver } from '../../src/drivers/site/site-driver.ts';

const key = 'ssh-ed25519 AAAA alice@home';
const frontend = {
  site: { name: 'alpine' } as Site,
  operation: {
    mark: {
      installation: '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10',
      cluster: 'demo',
      clusterId: 'c0ffee123456',
    },
    epoch: 1,
  },
  container: 'h1',
  vm: 'frontend',
};

let asked: { argv: string[]; stdin?: string }[];
let answer: () => { exitCode: number; stdout: string; stderr: string };
beforeEach(() => {
  asked = [];
  answer = () => ({ exitCode: 0, stdout: '[]', stderr: '' });
});

const drivers = {
  site: () =>
    ({
      guestRun: async (_on: unknown, _vm: unknown, run: { argv: string[]; stdin?: string }) => {
        asked.push({ argv: run.argv, ...(run.stdin === undefined ? {} : { stdin: run.stdin }) });
        return answer();
      },
    }) as unknown as SiteDriver,
  overlay: () => {
    throw new Error('users need no overlay');
  },
};
const users = createUserActivities(drivers);
const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const run = <T>(activity: () => Promise<T>) => environment.run(activity) as Promise<T>;

it('a key reaches the frontend by standard input, and is no argument', async () => {
  const change = { kind: 'add', user: 'alice', keys: [key, key] } as const;
  await run(() => users.changeUser({ frontend, change: { ...change, keys: [...change.keys] } }));
  expect(asked).toEqual([
    { argv: ['/usr/lib/mvc/users', 'add', 'alice'], stdin: `${key}\n${key}\n` },
  ]);
});

it('the files of a user who is removed stay, unless they are to go', async () => {
  for (const withHome of [false, true]) {
    const change = { kind: 'remove', user: 'alice', withHome } as const;
    await run(() => users.changeUser({ frontend, change }));
  }
  expect(asked.map(({ argv }) => argv.slice(1))).toEqual([
    ['remove', 'alice'],
    ['remove', 'alice', '--with-home'],
  ]);
});

it('what the frontend refuses is not tried again', async () => {
  answer = () => ({ exitCode: 2, stdout: '', stderr: 'hpc is an account of the system\n' });
  const change = { kind: 'remove', user: 'hpc', withHome: false } as const;
  await expect(run(() => users.changeUser({ frontend, change }))).rejects.toMatchObject({
    type: 'BadInput',
    message: expect.stringContaining('hpc is an account of the system'),
  });
});

it('a cluster without the roll is told by that, not by what its guest agent says', async () => {
  answer = () => {
    const said = 'Failed to execute child process “/usr/lib/mvc/users” (No such file or directory)';
    throw new Failure('CommandFailed', said);
  };
  await expect(run(() => users.listUsers({ frontend }))).rejects.toMatchObject({
    type: 'BadInput',
    message: expect.stringContaining('cluster demo was created without the roll home'),
  });
  const { readTopology } = createTopologyActivities(drivers);
  await expect(run(() => readTopology({ frontend }))).rejects.toThrow('without the roll topology');
});
