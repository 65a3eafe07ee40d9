import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterSpecSchema } from '../../../src/domain/cluster.ts';
import type { OverlayTable, Path } from '../../../src/domain/overlay.ts';
import type { SurveyedSite } from '../../../src/domain/plan-input.ts';
import { planOverlay } from '../../../src/domain/plan-overlay.ts';
import { hostFacts, libvirtSiteSchema, physicalFrontend } from '../../../src/domain/site.ts';
import type { Vm } from '../../../src/domain/vm.ts';
import type { OverlayDriver } from '../../../src/drivers/overlay/overlay-driver.ts';
import { createRoutedDriver } from '../../../src/drivers/overlay/routed/driver.ts';
import { labNat } from '../../../src/lab/faults.ts';
import { labDown, labUp } from '../../../src/lab/lab.ts';
import { namespaceOf, type NatKind } from '../../../src/lab/plan.ts';
import { seal } from '../../../src/secrets/sealed-box.ts';
import { createSshDoor, type SshDoor } from '../../../src/transport/ssh-door.ts';
import { operationOf } from '../../drivers/overlay-contract.ts';
import { makeVm, plugWhenReady, removeVm, type LabVm } from './lab-vm.ts';

const key = 'a-key-that-only-this-test-has-0123456789abc';
const network = '10.77.1.0/24';

/** A site of the lab, with a VM at each of its containers. */
export interface WantedSite {
  nat: NatKind;
  containers: number;
}

interface OpenSite extends SurveyedSite {
  door: SshDoor;
  driver: OverlayDriver;
}

/** A lab whose VM containers are joined by a routed overlay, the way a site's worker does it. */
export class LabOverlay {
  readonly home: string;
  readonly table: OverlayTable;
  /** In the order of the sites; the first is the frontend's place. */
  readonly vms: LabVm[];
  private readonly sites: OpenSite[];

  private constructor(home: string, sites: OpenSite[], id: string) {
    this.home = home;
    this.sites = sites;
    this.table = tableOf(sites);
    this.vms = this.table.edges.map(({ site, container, bridge, address }) => ({
      host: namespaceOf(id, `${site}-${container}`),
      namespace: namespaceOf(id, `vm-${site}-${container}`),
      address,
      bridge,
      site,
      container,
    }));
  }

  /** Sites that are not open get no UDP from outside, and say so. Nothing is applied yet. */
  static async open(wanted: WantedSite[], rttMs: number): Promise<LabOverlay> {
    const home = join(await mkdtemp(join(tmpdir(), 'mvc-grid-')), 'lab');
    const sites: OpenSite[] = [];
    try {
      const lab = await labUp({ home, rttMs, hosts: wanted.map((each) => each.containers) });
      for (const [index, { nat }] of wanted.entries()) {
        const name = lab.sites[index]?.name ?? '';
        if (nat !== 'open') await labNat({ home, site: name, kind: nat });
      }
      sites.push(
        ...(await Promise.all(
          wanted.map(({ nat }, index) => openSite(lab.siteFiles[index] ?? '', nat === 'open')),
        )),
      );
      const overlay = new LabOverlay(home, sites, lab.id);
      await Promise.all(
        overlay.vms.map((vm, index) =>
          makeVm({ ...vm, mac: macOf(index), mtu: overlay.table.mtu }),
        ),
      );
      return overlay;
    } catch (error) {
      for (const { door } of sites) door.close();
      await remove(home);
      throw error;
    }
  }

  /** Applies the table at every container at once, and plugs the VMs as soon as that is possible. */
  async apply(): Promise<void> {
    await Promise.all(
      this.vms.map(async (vm) => {
        const { driver, facts } = this.site(vm.site);
        const recipient = hostFacts(facts, vm.container)?.sealKey ?? '';
        const { mark } = operationOf();
        const sealed = seal(Buffer.from(key), recipient, `overlay:${mark.clusterId}`);
        const applied = driver.apply(operationOf(), vm.container, this.table, sealed);
        await Promise.all([applied, plugWhenReady(vm, this.table.mtu)]);
      }),
    );
  }

  /** The VM in the frontend's place. */
  get origin(): LabVm {
    const [first] = this.vms;
    if (!first) throw new Error('no VMs');
    return first;
  }

  /** How the container of one VM reaches that of another. */
  async path(from: LabVm, to: LabVm): Promise<Path | undefined> {
    return (await this.paths(from)).find((path) => path.to === nameOf(to));
  }

  async allPaths(): Promise<{ of(from: LabVm, to: LabVm): Path | undefined }> {
    const paths = (await Promise.all(this.vms.map((vm) => this.paths(vm)))).flat();
    return {
      of: (from, to) => paths.find((path) => path.from === nameOf(from) && path.to === nameOf(to)),
    };
  }

  private async paths({ site, container }: LabVm): Promise<Path[]> {
    return (await this.site(site).driver.describePaths?.(operationOf(), container)) ?? [];
  }

  async close(): Promise<void> {
    for (const { door } of this.sites) door.close();
    for (const vm of this.vms) await removeVm(vm);
    await remove(this.home);
  }

  private site(name: string): OpenSite {
    const found = this.sites.find(({ site }) => site.name === name);
    if (!found) throw new Error(`no site ${name}`);
    return found;
  }
}

function nameOf({ site, container }: LabVm): string {
  return `${site}/${container}`;
}

async function openSite(file: string, inbound: boolean): Promise<OpenSite> {
  const read = libvirtSiteSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const site = { ...read, frontend: { ...read.frontend, inbound } };
  const door = createSshDoor(site);
  const names = [physicalFrontend, ...site.containers.map(({ name }) => name)];
  const hosts = await Promise.all(names.map((name) => door.call(name, 'facts', {})));
  const facts = { site: site.name, hosts };
  return { site, facts, door, driver: createRoutedDriver(door, site) };
}

/** By the planner, from what the sites have told. */
function tableOf(sites: SurveyedSite[]): OverlayTable {
  const places = sites.flatMap(({ site }) =>
    site.containers.map((each) => ({ site: site.name, container: each.name })),
  );
  const vms = places.map((place, index): Vm => ({
    ...place,
    name: index === 0 ? 'frontend' : `compute-${place.site}-${place.container}`,
    role: index === 0 ? 'frontend' : 'compute',
    mac: macOf(index),
    address: `10.77.1.${index + 1}`,
    cpus: 1,
    memoryMiB: 512,
  }));
  const spec = clusterSpecSchema.parse({
    name: 'alpha',
    origin: sites[0]?.site.name,
    sites: sites.map(({ site }) => ({ name: site.name, computes: site.containers.length })),
    overlay: { kind: 'routed' },
  });
  const ledger = { networks: [], macs: [], ports: {}, siteAddresses: {} };
  const { clusterId } = operationOf().mark;
  return planOverlay({ spec, clusterId, sites, ledger }, vms, network).table;
}

function macOf(index: number): string {
  return `02:5e:5e:00:00:${(index + 1).toString(16).padStart(2, '0')}`;
}

async function remove(home: string): Promise<void> {
  await labDown({ home });
  rmSync(join(home, '..'), { recursive: true });
}
