import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import type { Operation } from '../../src/domain/mark.ts';
import type { Sealed } from '../../src/domain/sealed.ts';
import { imageNotBuilt, type VmDefinition } from '../../src/domain/vm.ts';
import type { ImageSource, SiteDriver } from '../../src/drivers/site/site-driver.ts';

/** A site to test a driver at. It begins without anything of ours, and its VMs take seconds to boot. */
export interface ContractSite {
  driver: SiteDriver;
  /** Name of the site, and of two of its VM containers or of one. */
  site: string;
  containers: [string, ...string[]];
  image: ImageSource;
  /** A seed that the VM's container can open. */
  seedFor(operation: Operation, vm: VmDefinition): Promise<Sealed>;
  /** Makes a domain that is somebody else's. */
  addForeignDomain(domain: { container: string; name: string; mac: string }): Promise<void>;
  hasForeignDomain(domain: { container: string; name: string }): Promise<boolean>;
  close(): Promise<void>;
}

const installation = '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10';
const clusterId = 'c0ffee123456';
const soon = () => Math.floor(Date.now() / 1000) + 600;

export function operationOf(epoch = 1, mark: Partial<Operation['mark']> = {}): Operation {
  return { mark: { installation, cluster: 'alpha', clusterId, ...mark }, epoch };
}

export function computeOf(
  at: ContractSite,
  index: number,
  change: Partial<VmDefinition> = {},
): VmDefinition {
  const name = change.name ?? `compute-${at.site}-${index}`;
  return {
    name,
    role: 'compute',
    site: at.site,
    container: at.containers[index % at.containers.length] ?? at.containers[0],
    mac: `02:c0:ff:ee:00:0${index}`,
    address: `10.77.1.${10 + index}`,
    cpus: 1,
    memoryMiB: 128,
    domain: `alpha-${name}`,
    bridge: `b${clusterId.slice(0, 8)}-${index}`,
    mtu: 1400,
    image: at.image.digest,
    ...change,
  };
}

/** What every site driver promises, whatever it drives. */
export function siteDriverContract(name: string, setUp: () => Promise<ContractSite>): void {
  describe(`the site driver ${name}`, () => {
    let at: ContractSite;
    beforeEach(async () => (at = await setUp()));
    afterEach(async () => at.close());

    const operation = operationOf();
    const two = () => [computeOf(at, 0), computeOf(at, 1)];
    const names = (vms: VmDefinition[]) => vms.map((vm) => vm.name).sort();
    const listed = async (who = operation) =>
      (await at.driver.describeVms(who)).map((vm) => vm.name).sort();
    const seeded = async (vms: VmDefinition[]) =>
      Promise.all(vms.map(async (vm) => ({ vm, seed: await at.seedFor(operation, vm) })));
    const prepare = async (vms: VmDefinition[]) => {
      await at.driver.reserve(operation, vms, soon());
      await at.driver.ensureImage(at.image);
      await at.driver.ensureVms(operation, await seeded(vms));
    };

    it('tells of every host what it has and which domains are there', async () => {
      await at.addForeignDomain({
        container: at.containers[0],
        name: 'theirs',
        mac: '52:54:00:00:00:01',
      });
      const facts = await at.driver.facts();
      expect(facts.hosts.map((host) => host.host).sort()).toEqual(
        [...at.containers, 'physical-frontend'].sort(),
      );
      const host = facts.hosts.find((each) => each.host === at.containers[0]);
      expect(host?.capacity?.cpus).toBeGreaterThan(0);
      expect(host?.capacity?.committedMiB).toBeGreaterThan(0);
      expect(host?.domains).toEqual([{ name: 'theirs', macs: ['52:54:00:00:00:01'] }]);
    });

    it('lists reserved VMs as ours, shut off and not booted', async () => {
      await at.driver.reserve(operation, two(), soon());
      const seen = await at.driver.describeVms(operation);
      expect(seen.map(({ power, booted }) => ({ power, booted }))).toEqual([
        { power: 'off', booted: false },
        { power: 'off', booted: false },
      ]);
      const facts = await at.driver.facts();
      const marks = facts.hosts.flatMap((host) => host.domains.map((domain) => domain.mark));
      expect(marks).toEqual([operation.mark, operation.mark]);
    });

    it('reserves the same VMs twice as once', async () => {
      await at.driver.reserve(operation, two(), soon());
      const before = committed(await at.driver.facts());
      await at.driver.reserve(operation, two(), soon());
      expect(await listed()).toEqual(names(two()));
      expect(committed(await at.driver.facts())).toEqual(before);
    });

    it('reserves all VMs or none when one container has too little memory', async () => {
      const [first, second] = two();
      const vms = [first!, { ...second!, memoryMiB: 4_000_000 }];
      const failure = await failureOf(at.driver.reserve(operation, vms, soon()));
      expect(failure.kind).toBe('NoCapacity');
      expect(failure.message).toMatch(/\d+ MiB more memory needed/);
      expect(await listed()).toEqual([]);
    });

    it('keeps an earlier reservation when a later one of the cluster does not fit', async () => {
      const [first, second] = two();
      await at.driver.reserve(operation, [first!], soon());
      const vms = [first!, { ...second!, cpus: 256 }];
      expect((await failureOf(at.driver.reserve(operation, vms, soon()))).kind).toBe('NoCapacity');
      expect(await listed()).toEqual([first!.name]);
    });

    it('counts what it has reserved, running or not, as given away', async () => {
      const before = committed(await at.driver.facts());
      await at.driver.reserve(operation, two(), soon());
      expect(committed(await at.driver.facts())).toBe(before + 256);
    });

    it("leaves a foreign domain of a VM's name untouched and reserves nothing", async () => {
      const [first, second] = two();
      const theirs = { container: second!.container, name: second!.domain };
      await at.addForeignDomain({ ...theirs, mac: '52:54:00:00:00:02' });
      const failure = await failureOf(at.driver.reserve(operation, [first!, second!], soon()));
      expect(failure.kind).toBe('Conflict');
      expect(failure.message).toContain(theirs.name);
      expect(failure.message).toContain('left untouched');
      expect(await listed()).toEqual([]);
      await at.driver.removeVms(operation, [first!, second!]);
      await at.driver.removeVms(operation);
      expect(await at.hasForeignDomain(theirs)).toBe(true);
    });

    it("refuses a VM whose MAC is a foreign domain's", async () => {
      const [first] = two();
      await at.addForeignDomain({ container: first!.container, name: 'theirs', mac: first!.mac });
      const failure = await failureOf(at.driver.reserve(operation, [first!], soon()));
      expect(failure.kind).toBe('Conflict');
      expect(failure.message).toContain(first!.mac);
    });

    it('names both domains where one of others has the MAC of a VM that was booted', async () => {
      const [first] = two();
      await prepare([first!]);
      await at.driver.startVms(operation, [first!]);
      await at.addForeignDomain({ container: first!.container, name: 'theirs', mac: first!.mac });
      const failure = await failureOf(at.driver.reserve(operation, [first!], soon()));
      expect(failure.kind).toBe('Conflict');
      expect(failure.message).toMatch(/was booted with the MAC .*theirs.*both were left untouched/);
      for (const name of [first!.domain, first!.mac, first!.container]) {
        expect(failure.message).toContain(name);
      }
      expect(await at.hasForeignDomain({ container: first!.container, name: 'theirs' })).toBe(true);
      const [seen] = await at.driver.describeVms(operation);
      expect(seen).toMatchObject({ power: 'running', booted: true });
    });

    it('takes another MAC for a VM that is reserved and was never booted', async () => {
      const [first] = two();
      await at.driver.reserve(operation, [first!], soon());
      const mac = first!.mac.replace(/^02/, '06');
      await at.driver.reserve(operation, [{ ...first!, mac }], soon());
      const facts = await at.driver.facts();
      const macs = facts.hosts.flatMap((host) => host.domains.flatMap((domain) => domain.macs));
      expect(macs).toContain(mac);
      expect(macs).not.toContain(first!.mac);
    });

    it("does not adopt another installation's domain of the same name", async () => {
      const theirs = operationOf(1, {
        installation: '91d3c3c4-8f2a-4b7e-8a55-0d5a3c1f7b21',
        clusterId: 'c0ffee12aaaa',
      });
      const [first] = two();
      await at.driver.reserve(theirs, [{ ...first!, mac: '02:c0:ff:ee:01:01' }], soon());
      expect((await failureOf(at.driver.reserve(operation, [first!], soon()))).kind).toBe(
        'Conflict',
      );
      await at.driver.removeVms(operation);
      expect(await listed(theirs)).toEqual([first!.name]);
      await at.driver.removeVms(theirs);
    });

    it('gives the room of a reservation that ran out and never booted to another cluster', async () => {
      const other = operationOf(1, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
      const [first] = two();
      await at.driver.reserve(operation, [first!], 1);
      const successor = { ...first!, domain: first!.domain, mac: '02:c0:ff:ee:02:01' };
      await at.driver.reserve(other, [successor], soon());
      expect(await listed(operation)).toEqual([]);
      expect(await listed(other)).toEqual([first!.name]);
      await at.driver.removeVms(other);
    });

    it('tells of a reservation that ran out what a later one gets back', async () => {
      const [first, second] = two();
      await at.driver.reserve(operation, [first!], 1);
      await at.driver.reserve(operation, [second!], soon());
      const found = (await at.driver.facts()).hosts.flatMap((host) => host.domains);
      const { cpus, memoryMiB } = first!;
      expect(found.find((each) => each.name === first!.domain)?.lapsed).toEqual({
        cpus,
        memoryMiB,
      });
      expect(found.find((each) => each.name === second!.domain)?.lapsed).toBeUndefined();
    });

    it('renews the lease of a reservation, and never makes it shorter', async () => {
      const other = operationOf(1, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
      const [first] = two();
      const successor = { ...first!, mac: '02:c0:ff:ee:02:01' };
      await at.driver.reserve(operation, [first!], 1);
      await at.driver.reserve(operation, [first!], soon());
      await at.driver.reserve(operation, [first!], 1);
      expect((await failureOf(at.driver.reserve(other, [successor], soon()))).kind).toBe(
        'Conflict',
      );
      expect(await listed()).toEqual([first!.name]);
    });

    it('never takes away a VM that was booted, however old its lease', async () => {
      const other = operationOf(1, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
      const [first] = two();
      await at.driver.reserve(operation, [first!], 1);
      await at.driver.ensureImage(at.image);
      await at.driver.ensureVms(operation, await seeded([first!]));
      await at.driver.startVms(operation, [first!]);
      await at.driver.stopVms(operation, [first!]);
      const successor = { ...first!, mac: '02:c0:ff:ee:02:01' };
      expect((await failureOf(at.driver.reserve(other, [successor], soon()))).kind).toBe(
        'Conflict',
      );
      expect(await listed()).toEqual([first!.name]);
    });

    it('refuses to make disks for a VM that was not reserved', async () => {
      await at.driver.ensureImage(at.image);
      const failure = await failureOf(at.driver.ensureVms(operation, await seeded(two())));
      expect(failure.kind).toBe('NotFound');
    });

    it('gives VMs that were reserved before their image was built the image', async () => {
      const vms = two();
      const early = vms.map((vm) => ({ ...vm, image: imageNotBuilt }));
      await at.driver.reserve(operation, early, soon());
      await at.driver.ensureImage(at.image);
      await at.driver.ensureVms(operation, await seeded(vms));
      await at.driver.reserve(operation, early, soon());
      expect((await at.driver.startVms(operation, vms)).sort()).toEqual(names(vms));
    });

    it('starts a VM once when asked twice', async () => {
      await prepare(two());
      expect((await at.driver.startVms(operation, two())).sort()).toEqual(names(two()));
      expect(await at.driver.startVms(operation, two())).toEqual([]);
      const seen = await at.driver.describeVms(operation);
      expect(seen.every((vm) => vm.power === 'running' && vm.booted)).toBe(true);
    });

    it('leaves a running VM as it is when its definition is made again', async () => {
      await prepare(two());
      await at.driver.startVms(operation, two());
      const larger = two().map((vm) => ({ ...vm, memoryMiB: 160 }));
      await at.driver.ensureVms(operation, await seeded(larger));
      await at.driver.reserve(operation, larger, soon());
      const seen = await at.driver.describeVms(operation);
      expect(seen.map((vm) => vm.power)).toEqual(['running', 'running']);
    });

    it('stops running VMs, and stopping them again or absent ones succeeds', async () => {
      await prepare(two());
      await at.driver.startVms(operation, two());
      await at.driver.stopVms(operation, two());
      await at.driver.stopVms(operation, [...two(), computeOf(at, 7)]);
      const seen = await at.driver.describeVms(operation);
      expect(seen.map((vm) => vm.power)).toEqual(['off', 'off']);
    });

    it('removes running VMs, and removing them again or absent ones succeeds', async () => {
      await prepare(two());
      await at.driver.startVms(operation, two());
      await at.driver.removeVms(operation, two());
      await at.driver.removeVms(operation, two());
      await at.driver.removeVms(operation, [computeOf(at, 7)]);
      expect(await listed()).toEqual([]);
    });

    it('makes a VM that is off anew with another size, and the other VMs stay as they are', async () => {
      const [first, second] = two();
      await prepare(two());
      await at.driver.startVms(operation, two());
      await at.driver.stopVms(operation, [first!]);
      const before = committed(await at.driver.facts());
      const larger = { ...first!, cpus: 2, memoryMiB: 192 };
      await at.driver.reserve(operation, [larger], soon());
      await at.driver.ensureVms(operation, await seeded([larger]));
      expect(committed(await at.driver.facts())).toBe(before + 64);
      expect(await at.driver.startVms(operation, [larger, second!])).toEqual([first!.name]);
      const seen = await at.driver.describeVms(operation);
      expect(seen.map((vm) => vm.power)).toEqual(['running', 'running']);
    });

    it('removes named VMs that run and leaves the others running', async () => {
      const [first, second] = two();
      await prepare(two());
      await at.driver.startVms(operation, two());
      await at.driver.removeVms(operation, [first!]);
      const seen = await at.driver.describeVms(operation);
      expect(seen.map(({ name, power }) => [name, power])).toEqual([[second!.name, 'running']]);
    });

    it('removes only the named VMs, or all of the cluster if none are named', async () => {
      const [first, second] = two();
      const other = operationOf(1, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
      const theirs = computeOf(at, 2, { domain: 'beta-compute', mac: '02:c0:ff:ee:02:02' });
      await at.driver.reserve(operation, [first!, second!], soon());
      await at.driver.reserve(other, [theirs], soon());
      await at.driver.removeVms(operation, [first!]);
      expect(await listed()).toEqual([second!.name]);
      await at.driver.removeVms(operation);
      expect(await listed()).toEqual([]);
      expect(await listed(other)).toEqual([theirs.name]);
    });

    it('owns nothing of a cluster after its VMs are removed', async () => {
      await prepare(two());
      const owner = { installation, clusterId };
      const domains = two()
        .map((vm) => vm.domain)
        .sort();
      const owned = await at.driver.listOwned(owner);
      expect(
        owned
          .filter((each) => each.kind === 'vm')
          .map((each) => each.name)
          .sort(),
      ).toEqual(domains);
      await at.driver.removeVms(operation);
      expect(await at.driver.listOwned(owner)).toEqual([]);
      expect(await at.driver.listOwned({ installation })).toEqual([]);
    });

    it('refuses an operation that is older than one it has seen', async () => {
      await prepare(two());
      await at.driver.startVms(operationOf(5), two());
      const stale = operationOf(4);
      const refusals = await Promise.all([
        failureOf(at.driver.reserve(stale, two(), soon())),
        failureOf(at.driver.startVms(stale, two())),
        failureOf(at.driver.stopVms(stale, two())),
        failureOf(at.driver.removeVms(stale)),
      ]);
      expect(refusals.map((failure) => failure.kind)).toEqual(Array(4).fill('StaleEpoch'));
      expect((await at.driver.describeVms(operationOf(5))).map((vm) => vm.power)).toEqual([
        'running',
        'running',
      ]);
    });

    it('remembers the highest operation of each cluster of an installation, also when it is gone', async () => {
      const other = operationOf(2, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
      const theirs = operationOf(9, {
        installation: '91d3c3c4-8f2a-4b7e-8a55-0d5a3c1f7b21',
        clusterId: 'c0ffee12aaaa',
      });
      expect(await at.driver.listOperations(installation)).toEqual([]);
      await at.driver.reserve(operationOf(3), two(), soon());
      await at.driver.removeVms(operationOf(4), [two()[0]!]);
      await at.driver.removeVms(other);
      await at.driver.removeVms(theirs);
      await at.driver.describeVms(operationOf(7));
      const seen = await at.driver.listOperations(installation);
      const byName = seen.toSorted((a, b) => a.mark.cluster.localeCompare(b.mark.cluster));
      expect(byName).toEqual([operationOf(4), other]);
    });

    it('refuses to start a VM that does not exist', async () => {
      expect((await failureOf(at.driver.startVms(operation, two()))).kind).toBe('NotFound');
    });

    it('brings an image once, and again without harm', async () => {
      await at.driver.ensureImage(at.image);
      await at.driver.ensureImage(at.image);
    });

    it('says Unreachable while a guest agent does not answer', async () => {
      const [first] = two();
      await prepare([first!]);
      const run = { argv: ['/usr/lib/mvc/clock'], timeoutMs: 5_000 };
      const off = await failureOf(at.driver.guestRun(operation, first!, run));
      await at.driver.startVms(operation, [first!]);
      const booting = await failureOf(at.driver.guestRun(operation, first!, run));
      expect([off.kind, booting.kind]).toEqual(['Unreachable', 'Unreachable']);
    });

    it('says NotFound for the guest and the console of a VM that does not exist', async () => {
      const [first] = two();
      const run = { argv: ['/usr/lib/mvc/clock'], timeoutMs: 5_000 };
      const refusals = [
        await failureOf(at.driver.guestRun(operation, first!, run)),
        await failureOf(at.driver.console(operation, first!, 100)),
      ];
      expect(refusals.map((failure) => failure.kind)).toEqual(['NotFound', 'NotFound']);
    });

    it('shows at most so many bytes of a console as asked', async () => {
      const [first] = two();
      await prepare([first!]);
      await at.driver.startVms(operation, [first!]);
      const text = await at.driver.console(operation, first!, 5);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(5);
    });
  });
}

function committed(facts: Awaited<ReturnType<SiteDriver['facts']>>): number {
  return facts.hosts.reduce((sum, host) => sum + (host.capacity?.committedMiB ?? 0), 0);
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return promise.then(
    (value) => {
      throw new Error(`it should have failed, but answered ${JSON.stringify(value)}`);
    },
    (error: Failure) => error,
  );
}
