import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listClusters } from '../../src/store/clusters.ts';
import { startController, type TestController } from '../helpers/controller.ts';
import { Examples, languages } from '../helpers/examples.ts';

let controller: TestController;
let examples: Examples;

beforeAll(async () => {
  controller = await startController();
  examples = await Examples.open(controller.address);
});
afterAll(async () => {
  await examples?.close();
  await controller?.stop();
});

describe('an example', () => {
  it('in TypeScript has the types of the packed client', async () => {
    expect(await examples.checkTypes()).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it.each(languages)('builds a cluster and destroys it: %s', async (language) => {
    const spec = controller.spec(`by-${language}`);
    const { exitCode, stdout, stderr } = await examples.build(language, spec);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('ready');
    expect(stdout).toContain('destroyed');
    const started = controller.world.events().filter((event) => event.effect === 'start');
    expect(started.map((event) => event.name)).toContain('frontend');
    expect(await listClusters(controller.db)).toEqual([]);
    expect((await controller.client.inventory()).things).toEqual([]);
  });

  it.each(languages)('says what is wrong with a spec: %s', async (language) => {
    const spec = { ...controller.spec(`wrong-${language}`), origin: 'nowhere' };
    const { exitCode, stdout, stderr } = await examples.build(language, spec);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain('origin nowhere is not among the sites');
  });
});
