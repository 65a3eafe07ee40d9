import { describe, expect, it } from 'vitest';
import { Failure } from '../../../../src/domain/failure.ts';
import { libvirtSiteSchema, type HostFacts } from '../../../../src/domain/site.ts';
import type { SiteVerb } from '../../../../src/domain/site-verbs.ts';
import { createLibvirtDriver } from '../../../../src/drivers/site/libvirt/driver.ts';
import type { SiteDoor } from '../../../../src/transport/site-door.ts';
import { computeOf, operationOf, type ContractSite } from '../../site-contract.ts';

const sshHost = { address: '127.0.0.1', hostKey: `SHA256:${'A'.repeat(43)}` };
const site = libvirtSiteSchema.parse({
  name: 'a',
  kind: 'libvirt',
  key: '/nowhere',
  frontend: { ...sshHost, publicAddress: '198.51.100.11', lanAddress: '192.168.10.1' },
  containers: [
    { name: 'vm0', ...sshHost },
    { name: 'vm1', ...sshHost },
  ],
  network: {
    bridge: 'lan0',
    gateway: '192.168.10.1',
    prefixLength: 24,
    addresses: ['192.168.10.100'],
  },
  udpPorts: { first: 7700, last: 7800 },
});
const image = { digest: 'ab'.repeat(32), size: 10, path: '/nowhere' };
const at = { site: 'a', containers: ['vm0', 'vm1'], image } as unknown as ContractSite;
const vms = [computeOf(at, 0), computeOf(at, 1)];
const operation = operationOf();

type Answer = (host: string, input: never) => unknown;

/** A door whose answers are given; what it was asked is noted. */
function doorOf(answers: { [V in SiteVerb]?: Answer }) {
  const asked: string[] = [];
  const door: SiteDoor = {
    async call(host, verb, input) {
      asked.push(`${verb} ${host}`);
      const answer = answers[verb];
      if (!answer) throw new Error(`nobody answers ${verb}`);
      return answer(host, input as never) as never;
    },
  };
  return { driver: createLibvirtDriver(site, door), asked };
}

const noCapacityAtSecond: Answer = (host) => {
  if (host === 'vm1') throw new Failure('NoCapacity', 'full');
  return {};
};

describe('the libvirt driver', () => {
  it('takes back at the other containers what it reserved when one refuses', async () => {
    const removed: unknown[] = [];
    const { driver } = doorOf({
      'vm.describe': () => ({ vms: [] }),
      'vm.reserve': noCapacityAtSecond,
      'vm.remove': (host, { names }) => removed.push([host, names]),
    });
    await expect(driver.reserve(operation, vms, 1)).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect(removed).toEqual([
      ['vm0', ['compute-a-0']],
      ['vm1', ['compute-a-1']],
    ]);
  });

  it('does not take back what was reserved before', async () => {
    const { driver, asked } = doorOf({
      'vm.describe': (host) => ({ vms: vms.filter((vm) => vm.container === host) }),
      'vm.reserve': noCapacityAtSecond,
    });
    await expect(driver.reserve(operation, vms, 1)).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect(asked).not.toContain('vm.remove vm0');
  });

  it('says where a reservation could not be taken back', async () => {
    const { driver } = doorOf({
      'vm.describe': () => ({ vms: [] }),
      'vm.reserve': noCapacityAtSecond,
      'vm.remove': () => {
        throw new Failure('Unreachable', 'gone');
      },
    });
    await expect(driver.reserve(operation, vms, 1)).rejects.toMatchObject({
      kind: 'NoCapacity',
      message: 'full; and what was reserved at vm0, vm1 could not be taken back: its lease ends it',
    });
  });

  it('names site, host, tool and package of a program that is missing', async () => {
    const { driver } = doorOf({
      facts: (host): HostFacts => ({
        host,
        sealKey: '',
        tools: {},
        missing: host === 'vm1' ? [{ tool: 'virsh', package: 'libvirt-clients' }] : [],
        domains: [],
      }),
    });
    await expect(driver.facts()).rejects.toMatchObject({
      kind: 'MissingTool',
      host: 'vm1',
      message: 'site a, host vm1 lacks virsh (package libvirt-clients)',
      help: 'install there: apt-get install libvirt-clients',
    });
  });

  it('refuses a host that calls itself otherwise than it is registered', async () => {
    const facts = { host: 'vm1', sealKey: '', tools: {}, missing: [], domains: [] };
    const { driver } = doorOf({ facts: () => facts });
    await expect(driver.facts()).rejects.toMatchObject({
      kind: 'Conflict',
      host: 'physical-frontend',
    });
  });

  it('tells of each cluster the highest operation that any host has seen', async () => {
    const other = operationOf(2, { cluster: 'beta', clusterId: 'c0ffee12bbbb' });
    const seen: Record<string, unknown[]> = {
      'physical-frontend': [operationOf(2)],
      vm0: [operationOf(5), other],
      vm1: [],
    };
    const { driver } = doorOf({ operations: (host) => ({ operations: seen[host] }) });
    expect(await driver.listOperations(operation.mark.installation)).toEqual([
      operationOf(5),
      other,
    ]);
  });

  it('waits for the end of a program in a guest and decodes what it wrote', async () => {
    let polls = 0;
    const { driver } = doorOf({
      'guest.exec': (_host, { stdin }) => {
        expect(Buffer.from(stdin, 'base64').toString()).toBe('in ü');
        return { pid: 7 };
      },
      'guest.poll': () =>
        (polls += 1) < 3
          ? { exited: false }
          : { exited: true, exitCode: 3, stdout: Buffer.from('out ü').toString('base64') },
    });
    const run = { argv: ['/bin/true'], stdin: 'in ü', timeoutMs: 5_000 };
    expect(await driver.guestRun(operation, { container: 'vm0', name: 'frontend' }, run)).toEqual({
      exitCode: 3,
      stdout: 'out ü',
      stderr: '',
    });
  });

  it('gives up on a program that does not end, and at once when aborted', async () => {
    const { driver } = doorOf({
      'guest.exec': () => ({ pid: 7 }),
      'guest.poll': () => ({ exited: false }),
    });
    const vm = { container: 'vm0', name: 'frontend' };
    const run = { argv: ['/bin/sleep'], timeoutMs: 100 };
    await expect(driver.guestRun(operation, vm, run)).rejects.toMatchObject({ kind: 'Timeout' });
    const signal = AbortSignal.timeout(50);
    await expect(
      driver.guestRun(operation, vm, { ...run, timeoutMs: 60_000 }, { signal }),
    ).rejects.toThrow('aborted');
  });

  it('says what a container told when it cannot fetch the image', async () => {
    const { driver } = doorOf({
      'image.state': (host) => ({
        complete: host === 'physical-frontend' || host === 'vm0',
        chunks: [],
        fetching: false,
        error: 'connection refused',
      }),
      'image.serve': () => ({}),
      'image.fetch': () => ({}),
    });
    await expect(driver.ensureImage(image)).rejects.toThrow(
      'vm1 could not fetch the image from its physical frontend at 192.168.10.1:7800: connection refused',
    );
  });
});
