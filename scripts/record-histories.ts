import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterWorkflowId } from '../src/domain/engine-names.ts';
import { startController, type TestController } from '../test/helpers/controller.ts';
import {
  readableText,
  recordedRun,
  writeHistories,
  type RecordedRun,
} from '../test/histories/history-file.ts';

/**
 * Records what the workflows of today write into the engine: builds and a destroy over sites in
 * memory, on a real engine, as test/histories/<scenario>.json. Run it for each release, and after a
 * change of workflows that is meant to break with what was (docs/upgrade.md).
 */
const scenarios: Record<string, (controller: TestController, name: string) => Promise<void>> = {
  async plain({ client, ...controller }, name) {
    await client.result(await client.build(specOf(controller, name)));
  },

  async parked({ client, world, ...controller }, name) {
    world.addFault({ site: 'beach', verb: 'startVms', when: 'before', kind: 'Forbidden' });
    const started = await client.build(specOf(controller, name));
    for await (const { steps } of client.watch(started)) {
      if (steps.some((step) => step.parked)) break;
    }
    await client.resume(name, {});
    await client.result(started);
  },

  async cancelled({ client, world, ...controller }, name) {
    world.setStuck('frontend', true);
    const before = world.events().length;
    const begun = () =>
      world
        .events()
        .slice(before)
        .some((event) => event.effect === 'start');
    await client.build(specOf(controller, name));
    while (!begun()) await sleep(100);
    await client.cancel(name);
    world.setStuck('frontend', false);
  },

  async destroyed({ client, ...controller }, name) {
    await client.result(await client.build(specOf(controller, name)));
    await client.result(await client.destroy(name));
  },
};

function specOf(controller: Pick<TestController, 'spec'>, name: string) {
  const sites = ['alpine', 'beach'].map((site) => ({ name: site, computes: 1 }));
  return controller.spec(name, { sites });
}

/** The last run of the cluster's workflow, and its children. */
async function record({ engine }: TestController, cluster: string): Promise<RecordedRun[]> {
  const runs: RecordedRun[] = [];
  const children = [
    { workflowId: clusterWorkflowId(cluster), runId: undefined as string | undefined },
  ];
  for (const { workflowId, runId } of children) {
    const history = await engine.client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.push(recordedRun(workflowId, history));
    for (const event of history.events ?? []) {
      const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
      if (child?.workflowId) {
        children.push({ workflowId: child.workflowId, runId: child.runId ?? undefined });
      }
    }
  }
  return runs;
}

function refuseForeign(scenario: string, runs: RecordedRun[]): void {
  const text = readableText(runs);
  const root = join(import.meta.dirname, '..');
  for (const foreign of [`@${hostname()}`, root, tmpdir(), homedir()]) {
    if (text.includes(foreign)) throw new Error(`${scenario}: the history names ${foreign}`);
  }
}

const controller = await startController();
try {
  for (const [scenario, run] of Object.entries(scenarios)) {
    await run(controller, scenario);
    const runs = await record(controller, scenario);
    refuseForeign(scenario, runs);
    await writeHistories(scenario, runs);
    const events = runs.reduce((sum, { history }) => sum + history.events.length, 0);
    console.log(`${scenario}: ${runs.length} runs, ${events} events`);
    if (scenario !== 'destroyed')
      await controller.client.result(await controller.client.destroy(scenario));
  }
} finally {
  await controller.stop();
}
