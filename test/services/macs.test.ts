import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StepRecord } from '../../src/domain/cluster.ts';
import { listBuilds } from '../../src/store/builds.ts';
import { findCluster, listClusters } from '../../src/store/clusters.ts';
import { findOverlay } from '../../src/store/overlays.ts';
import { listVms } from '../../src/store/vms.ts';
import { startController, type TestController } from '../helpers/controller.ts';

let controller: TestController;

beforeAll(async () => {
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
});
afterEach(async () => {
  for (const { name } of await listClusters(controller.db)) {
    await controller.client.result(await controller.client.destroy(name));
  }
});

/** Two sites; the third has no part in the cluster. */
function spec(name: string) {
  const sites = [
    { name: 'alpine', computes: 1 },
    { name: 'beach', computes: 1 },
  ];
  return controller.spec(name, { sites });
}

async function build(name: string) {
  return controller.client.result(await controller.client.build(spec(name)));
}

async function vmOf(cluster: string, name: string) {
  const vm = (await listVms(controller.db, cluster)).find((each) => each.name === name);
  if (!vm) throw new Error(`${cluster} has no ${name}`);
  return vm;
}

/** MACs of the cluster's domains, as the sites have them: name → MACs. */
function macsAtSites(cluster: string): Record<string, string[]> {
  const domains = Object.values(controller.world.look().sites).flatMap((site) => site.domains);
  return Object.fromEntries(
    domains
      .filter((domain) => domain.mark?.mark.cluster === cluster)
      .map((domain) => [domain.mark?.vm ?? '', domain.macs]),
  );
}

async function steps(cluster: string): Promise<StepRecord[]> {
  return (await listBuilds(controller.db, cluster))[0]?.steps ?? [];
}

function plant(site: string, mac: string, name: string, container = 'h1'): void {
  controller.world.addForeignDomain(site, { container, name, macs: [mac] });
}

/** The MAC that the cluster's next VM would get. */
async function nextMac(cluster: string): Promise<string> {
  const vms = await listVms(controller.db, cluster);
  const [frontend] = vms;
  const next = (vms.length + 1).toString(16).padStart(2, '0');
  return `${frontend?.mac.slice(0, 15)}${next}`;
}

describe('a MAC that somebody takes before the first boot', () => {
  it('between plan and reservation is given anew, everywhere, and the history tells so', async () => {
    controller.world.addFault({ site: 'beach', verb: 'reserve', when: 'before', delayMs: 5_000 });
    const operation = await controller.client.build(spec('race'));
    await expect.poll(() => listVms(controller.db, 'race'), { timeout: 30_000 }).toHaveLength(3);
    const before = await vmOf('race', 'compute-beach-0');
    plant('beach', before.mac, 'race-theirs', before.container);
    expect(await controller.client.result(operation)).toMatchObject({ phase: 'ready' });
    const { mac } = await vmOf('race', 'compute-beach-0');
    expect(mac).toBe(before.mac.replace(/^02/, '06'));
    expect(macsAtSites('race')['compute-beach-0']).toEqual([mac]);
    const overlay = await findOverlay(controller.db, 'race');
    expect(overlay?.edges.find((edge) => edge.vm === 'compute-beach-0')?.mac).toBe(mac);
    const told = (await steps('race')).find((each) => each.step === 'macs');
    expect(told?.note).toMatch(/compute-beach-0 at beach\/h\d gets the MAC 06:.*race-theirs/);
    const others = controller.world.look().sites['beach']?.domains ?? [];
    expect(others.find((domain) => domain.name === 'race-theirs')?.macs).toEqual([before.mac]);
  });

  it('of a VM that joins is passed over, also if it is at a site where the cluster is not', async () => {
    await build('grows');
    const taken = await nextMac('grows');
    plant('cloud', taken, 'grows-theirs');
    await controller.client.result(await controller.client.scale('grows', { beach: 2 }));
    expect((await vmOf('grows', 'compute-beach-1')).mac).not.toBe(taken);
  });

  it('of a VM that was planned and never reserved is given anew when the cluster is gone on with', async () => {
    await build('later');
    controller.world.addFault({
      site: 'beach',
      verb: 'reserve',
      when: 'before',
      kind: 'Forbidden',
    });
    const scale = await controller.client.scale('later', { beach: 2 });
    const parked = async () =>
      (await controller.client.running('later'))?.progress?.steps.some((step) => step.parked);
    await expect.poll(parked, { timeout: 60_000 }).toBe(true);
    await controller.client.cancel('later');
    await expect(controller.client.result(scale)).rejects.toThrow();
    const before = await vmOf('later', 'compute-beach-1');
    expect(before.state).toBe('planned');
    plant('alpine', before.mac, 'later-theirs');
    const grown = {
      ...spec('later'),
      sites: [
        { name: 'alpine', computes: 1 },
        { name: 'beach', computes: 2 },
      ],
    };
    await controller.client.result(await controller.client.build(grown));
    const { mac } = await vmOf('later', 'compute-beach-1');
    expect(mac).toBe(before.mac.replace(/^02/, '06'));
    expect(macsAtSites('later')['compute-beach-1']).toEqual([mac]);
    expect((await steps('later')).map((each) => each.step)).toContain('macs');
  });
});

describe('a MAC that somebody takes after the boot', () => {
  it('is told by a look, a repair and a reconcile, which change nothing', async () => {
    await build('told');
    const { mac } = await vmOf('told', 'compute-beach-0');
    plant('alpine', mac, 'told-theirs');
    const before = controller.world.look().sites;
    const seen = await controller.engine.client.workflow.execute('watchCluster', {
      workflowId: 'watch:told',
      taskQueue: 'control',
      args: [{ name: 'told' }],
    });
    expect(seen).toMatchObject({ findings: [{ kind: 'mac', name: 'compute-beach-0' }] });
    const drift = (await findCluster(controller.db, 'told'))?.conditions.find(
      ({ type }) => type === 'Drift',
    );
    expect(drift?.message).toContain('told-theirs at alpine/h1');
    const repaired = await controller.client.result(await controller.client.repair('told'));
    expect(repaired).toMatchObject({ summary: expect.stringContaining('still: the MAC') });
    const { clusters } = await controller.client.reconcile();
    expect(clusters).toMatchObject([{ cluster: 'told', findings: [{ kind: 'mac' }] }]);
    expect(controller.world.look().sites['alpine']?.domains).toEqual(before['alpine']?.domains);
    expect(macsAtSites('told')['compute-beach-0']).toEqual([mac]);
  });

  it('parks what would change the site, with both domains, host and MAC, and the MAC stays', async () => {
    await build('kept');
    const { mac, container } = await vmOf('kept', 'compute-beach-0');
    plant('beach', mac, 'kept-theirs', container);
    const scale = await controller.client.scale('kept', { beach: 2 });
    const parked = async () =>
      (await controller.client.running('kept'))?.progress?.steps.find((step) => step.parked);
    await expect.poll(parked, { timeout: 60_000 }).toBeDefined();
    expect(await parked()).toMatchObject({
      step: 'reserve',
      parked: {
        kind: 'Conflict',
        cause: expect.stringMatching(
          new RegExp(
            `compute-beach-0 .*beach/${container} was booted with the MAC ${mac}.*kept-theirs`,
          ),
        ),
      },
    });
    await controller.client.cancel('kept');
    await expect(controller.client.result(scale)).rejects.toThrow();
    expect((await vmOf('kept', 'compute-beach-0')).mac).toBe(mac);
  });
});
