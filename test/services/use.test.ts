import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startController, type TestController } from '../helpers/controller.ts';

const key = 'ssh-ed25519 AAAA alice@home';
let controller: TestController;

beforeAll(async () => {
  controller = await startController();
  await controller.client.result(await controller.client.build(controller.spec('used')));
});
afterAll(async () => {
  await controller?.stop();
});

describe('a cluster that runs', () => {
  const add = (user: string) =>
    controller.client.users({ name: 'used', change: { kind: 'add', user, keys: [key] } });

  it('is told its users at the frontend, and says who they are', async () => {
    expect(await controller.client.users({ name: 'used' })).toEqual([]);
    await add('alice');
    expect((await add('bob')).map(({ name }) => name)).toEqual(['alice', 'bob']);
    const change = { kind: 'remove', user: 'alice' } as const;
    const left = await controller.client.users({ name: 'used', change });
    expect(left).toMatchObject([{ name: 'bob', uid: 2001, keys: 1 }]);
  });

  it('refuses a name that is none before anything is asked', async () => {
    await expect(add('../etc')).rejects.toMatchObject({ kind: 'BadInput' });
  });

  it('is measured once, and again when asked', async () => {
    const first = await controller.client.topology({ name: 'used' });
    expect(first.bandwidth.sites.length).toBeGreaterThan(0);
    expect(await controller.client.topology({ name: 'used' })).toEqual(first);
    const again = await controller.client.topology({ name: 'used', measure: true });
    expect(again.sites).toEqual(first.sites);
  });
});

describe('a cluster that does not run', () => {
  it('is not known, or stopped: both are said', async () => {
    await expect(controller.client.users({ name: 'none' })).rejects.toMatchObject({
      kind: 'NotFound',
    });
    await controller.client.result(await controller.client.stop('used'));
    await expect(controller.client.topology({ name: 'used' })).rejects.toMatchObject({
      kind: 'BadInput',
      message: expect.stringContaining('mvc start used'),
    });
  });
});
