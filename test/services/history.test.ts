import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estimateOfRunning, estimateOfSpec } from '../../src/store/estimates.ts';
import { callerName } from '../../src/client/caller.ts';
import { clusterSpecSchema } from '../../src/domain/cluster.ts';
import { clusterWorkflowId, controlQueue } from '../../src/domain/engine-names.ts';
import { estimateLeft } from '../../src/domain/estimate.ts';
import { listBuilds } from '../../src/store/builds.ts';
import { startController, type TestController } from '../helpers/controller.ts';

let controller: TestController;

beforeAll(async () => {
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
});

async function build(name: string) {
  const operation = await controller.client.build(controller.spec(name));
  await controller.client.result(operation);
  return operation;
}

async function destroy(name: string) {
  await controller.client.result(await controller.client.destroy(name));
}

describe('the history of a cluster', () => {
  it('says who asked, and stays when the engine has forgotten the runs and the cluster is gone', async () => {
    await build('kept');
    await destroy('kept');
    const { client } = controller.engine;
    const { workflowService } = client;
    const workflowId = clusterWorkflowId('kept');
    for (const { runId } of await listBuilds(controller.db, 'kept')) {
      await workflowService.deleteWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId, runId },
      });
    }
    const state = () =>
      client.workflow
        .getHandle(workflowId)
        .describe()
        .then(
          () => 'known',
          (error: Error) => error.name,
        );
    // The engine deletes in its own time.
    await expect.poll(state, { timeout: 120_000 }).toMatch(/NotFound/);
    const [removal, first] = await listBuilds(controller.db, 'kept');
    expect(removal).toMatchObject({ kind: 'destroy', outcome: 'succeeded' });
    expect(first).toMatchObject({ kind: 'build', askedBy: callerName(), spec: { name: 'kept' } });
    expect(first?.steps.map(({ step }) => step)).toContain('verify');
  });

  it('does not say who asked where nobody said it, as in a start from the UI', async () => {
    const { client } = controller.engine;
    await client.workflow.execute('buildCluster', {
      workflowId: clusterWorkflowId('unsaid'),
      taskQueue: controlQueue,
      args: [controller.spec('unsaid')],
    });
    const [record] = await listBuilds(controller.db, 'unsaid');
    expect(record).toMatchObject({ kind: 'build', outcome: 'succeeded' });
    expect(record?.askedBy).toBeUndefined();
    await destroy('unsaid');
  });
});

describe('the attempts of a step', () => {
  it('are in the record with their reasons, at its site and in the cluster', async () => {
    const fault = { site: 'beach', verb: 'startVms', when: 'before' } as const;
    controller.world.addFault({ ...fault, kind: 'Unreachable' });
    controller.world.addFault({ ...fault, kind: 'CommandFailed' });
    controller.world.addFault({
      site: 'cloud',
      verb: 'startVms',
      when: 'before',
      kind: 'Forbidden',
    });
    const operation = await controller.client.build(controller.spec('tried'));
    for await (const { steps } of controller.client.watch(operation)) {
      if (steps.some((step) => step.parked)) break;
    }
    await controller.client.resume('tried', {});
    await controller.client.result(operation);
    const [record] = await listBuilds(controller.db, 'tried');
    const at = (site: string) =>
      record?.steps.find((each) => each.step === 'computes' && each.site === site);
    const call = { round: 1, activity: 'startVms' };
    expect(at('beach')).toMatchObject({
      attempts: 3,
      failed: [
        { ...call, from: 1, to: 1, kind: 'Unreachable', tookMs: expect.any(Number) as number },
        { ...call, from: 2, to: 2, kind: 'CommandFailed' },
      ],
    });
    expect(at('beach')).not.toHaveProperty('rounds');
    expect(at('cloud')).toMatchObject({
      rounds: 2,
      attempts: 2,
      failed: [{ ...call, from: 1, to: 1, kind: 'Forbidden' }],
    });
    expect(at('alpine')).not.toHaveProperty('attempts');
    await destroy('tried');
  });
});

describe('an estimate from the record', () => {
  it('rests on builds of other clusters of the same shape, and counts down to the end', async () => {
    await build('one');
    const operation = await build('two');
    const { db } = controller;
    const estimate = await estimateOfRunning(db, operation.runId);
    expect(estimate).toMatchObject({ basis: 'same', kind: 'build' });
    const [record] = await listBuilds(db, 'two');
    const end = record?.finishedAt ?? 0;
    expect(estimateLeft(record?.steps ?? [], estimate!, end + 60_000)).toEqual({ leftMs: 0 });
    const spec = clusterSpecSchema.parse(controller.spec('three'));
    expect(await estimateOfSpec(db, spec)).toMatchObject({ basis: 'same' });
    const preview = await controller.client.plan(spec);
    expect(preview.estimate).toMatchObject({ basis: 'same' });
    // Those of the tests before are of the same shape.
    expect(preview.estimate?.operations).toBeGreaterThanOrEqual(2);
    expect(preview.rooms?.map(({ site }) => site)).toContain('cloud');
    const sites = spec.sites.map((site) => ({ ...site, computes: 2 }));
    const change = await controller.client.plan({ ...controller.spec('two'), sites });
    expect(change.change?.added).toHaveLength(3);
    expect(change.rooms?.every(({ free, after }) => after.cpus === free.cpus - 1)).toBe(true);
    expect(change.estimate).toBeUndefined();
    for (const name of ['one', 'two']) await destroy(name);
  });
});
