import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostPolicySchema } from '../../../../src/domain/site-verbs.ts';
import type { VmDefinition } from '../../../../src/domain/vm.ts';
import { createLibvirtHost, type LibvirtHost } from '../../../../src/drivers/site/libvirt/host.ts';
import { computeOf, operationOf, type ContractSite } from '../../site-contract.ts';
import { createFakeLibvirtd, type FakeLibvirtd } from './fake-libvirtd.ts';

const image = { digest: 'ab'.repeat(32), size: 10, path: '/nowhere' };
const at = { site: 'a', containers: ['vm0'], image } as unknown as ContractSite;
const vm = computeOf(at, 0);
const operation = operationOf();
const seed = { ephemeralKey: '', nonce: '', ciphertext: '' };
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

let pool: string;
let libvirtd: FakeLibvirtd;
let host: LibvirtHost;

beforeEach(async () => {
  pool = await mkdtemp(join(tmpdir(), 'mvc-host-'));
  await mkdir(join(pool, 'images'));
  await writeFile(join(pool, 'images', `${image.digest}.img`), '');
  libvirtd = createFakeLibvirtd();
  const policy = hostPolicySchema.parse({
    host: 'vm0',
    pool,
    udpPorts: { first: 7700, last: 7800 },
  });
  host = createLibvirtHost(libvirtd.shell, { pool, policy, openSeed: () => gzipSync('a seed') });
});
afterEach(async () => rm(pool, { recursive: true }));

/** What was changed at libvirtd meanwhile. */
async function changesOf(action: () => Promise<unknown>): Promise<string[]> {
  libvirtd.changes.length = 0;
  await action();
  return [...libvirtd.changes];
}

function domain() {
  const [only] = libvirtd.domains.values();
  if (!only) throw new Error('there is no domain');
  return only;
}

const leaseOf = () => Number(/leaseUntil="(\d+)"/.exec(domain().xml)?.[1]);
const reserve = (leaseUntil: number, wanted: VmDefinition = vm) =>
  host.reserve(operation, [wanted], leaseUntil);
const ensure = (wanted: VmDefinition = vm) => host.ensure(operation, [{ vm: wanted, seed }]);

describe('a reservation at a VM container', () => {
  it('is renewed by its lease alone, and by nothing if that would make it shorter', async () => {
    const [first, later] = [inSeconds(60), inSeconds(600)];
    await reserve(first);
    const before = domain().xml;
    expect(await changesOf(() => reserve(later))).toEqual(['metadata']);
    expect(leaseOf()).toBe(later);
    expect(domain().xml).toBe(before.replace(String(first), String(later)));
    expect(await changesOf(() => reserve(first))).toEqual([]);
    expect(leaseOf()).toBe(later);
  });

  it('is not renewed once the VM was booted, running or off', async () => {
    await reserve(inSeconds(60));
    await ensure();
    expect(await changesOf(() => host.start(operation, [vm.name]))).toEqual(['metadata', 'start']);
    expect(await changesOf(() => reserve(inSeconds(600)))).toEqual([]);
    await host.stop(operation, [vm.name]);
    expect(await changesOf(() => reserve(inSeconds(600)))).toEqual([]);
  });

  it('keeps its lease when its VM is defined anew', async () => {
    const lease = inSeconds(600);
    await reserve(lease);
    await reserve(inSeconds(60), { ...vm, memoryMiB: 256 });
    expect(leaseOf()).toBe(lease);
  });

  it('that ran out is told with what it takes', async () => {
    await reserve(inSeconds(-1));
    const [found] = await host.domains();
    expect(found?.lapsed).toEqual({ cpus: vm.cpus, memoryMiB: vm.memoryMiB });
    expect((await host.capacity()).committedMiB).toBe(vm.memoryMiB);
    await reserve(inSeconds(60));
    expect((await host.domains())[0]?.lapsed).toBeUndefined();
  });
});

describe('a VM at a VM container', () => {
  const larger = { ...vm, cpus: 3, memoryMiB: 512 };

  it('that is off is defined anew with another size, and stays a VM that was booted', async () => {
    await reserve(inSeconds(60));
    await ensure();
    await host.start(operation, [vm.name]);
    await host.stop(operation, [vm.name]);
    expect(await changesOf(() => ensure(larger))).toEqual(['define']);
    expect(domain().xml).toContain('<memory unit="MiB">512</memory><vcpu>3</vcpu>');
    expect((await host.describe(operation))[0]).toMatchObject({ power: 'off', booted: true });
    expect(await changesOf(() => ensure(larger))).toEqual([]);
    expect(libvirtd.domains.size).toBe(1);
  });

  it('that runs is left alone, whatever its definition', async () => {
    await reserve(inSeconds(60));
    await ensure();
    await host.start(operation, [vm.name]);
    const before = domain().xml;
    expect(await changesOf(() => reserve(inSeconds(600), larger))).toEqual([]);
    expect(await changesOf(() => ensure(larger))).toEqual([]);
    expect(domain().xml).toBe(before);
  });

  it('that stands still since the disk was full goes on when it is started', async () => {
    await reserve(inSeconds(60));
    await ensure();
    await host.start(operation, [vm.name]);
    domain().state = 'stalled';
    expect((await host.describe(operation))[0]?.power).toBe('crashed');
    expect(await changesOf(() => ensure(larger))).toEqual([]);
    const started: string[][] = [];
    const changes = await changesOf(async () =>
      started.push(await host.start(operation, [vm.name])),
    );
    expect(changes).toEqual(['resume']);
    expect(started, 'it was not booted').toEqual([[]]);
    expect((await host.describe(operation))[0]?.power).toBe('running');
  });

  it('that somebody holds still on purpose counts as running', async () => {
    await reserve(inSeconds(60));
    await ensure();
    await host.start(operation, [vm.name]);
    domain().state = 'paused';
    expect((await host.describe(operation))[0]?.power).toBe('running');
    expect(await changesOf(() => host.start(operation, [vm.name]))).toEqual([]);
  });
});
