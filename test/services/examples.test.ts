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
  it('in TypeScript has the types of the packed client, which hold without skipLibCheck', async () => {
    expect(await examples.checkTypes()).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it('under the strictest options finds faults in the types of Temporal only', async () => {
    const { stdout } = await examples.checkTypes('--exactOptionalPropertyTypes');
    const places = stdout
      .split('\n')
      .flatMap((line) => /^(\S+)\(\d+,\d+\): error/.exec(line)?.[1] ?? []);
    expect(places.filter((place) => !place.includes('node_modules/@temporalio/'))).toEqual([]);
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

  it.each(languages)('goes on with a build that is parked: %s', async (language) => {
    const cluster = `held-${language}`;
    controller.world.addFault({
      site: 'beach',
      verb: 'startVms',
      when: 'before',
      kind: 'Forbidden',
    });
    const build = await controller.client.build(controller.spec(cluster));
    await expect
      .poll(async () => (await controller.client.running(cluster))?.progress.steps, {
        timeout: 60_000,
      })
      .toContainEqual(expect.objectContaining({ site: 'beach', parked: expect.anything() }));
    const { exitCode, stdout, stderr } = await examples.resume(language, cluster);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('beach');
    expect(stdout).toContain('ready');
    expect(await controller.client.result(build)).toMatchObject({ phase: 'ready' });
    await controller.client.result(await controller.client.destroy(cluster));
  });

  it.each(languages)('says that there is nothing to go on with: %s', async (language) => {
    const { exitCode, stdout, stderr } = await examples.resume(language, 'nowhere');
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toMatch(/nothing runs|not found/);
  });

  it.each(languages)('says what is wrong with a spec: %s', async (language) => {
    const spec = { ...controller.spec(`wrong-${language}`), origin: 'nowhere' };
    const { exitCode, stdout, stderr } = await examples.build(language, spec);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain('origin nowhere is not among the sites');
  });
});
