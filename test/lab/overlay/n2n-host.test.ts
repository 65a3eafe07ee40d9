import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createN2nHost } from '../../../src/drivers/overlay/n2n/host.ts';
import { createSupernodeHost } from '../../../src/drivers/overlay/n2n/supernode-host.ts';
import { namespaceName, pings, plugVm, sh, until, type TestHost } from './hosts.ts';
import { edgeOf, key, operation, policy, startN2nSite, tableOf, type N2nSite } from './n2n-site.ts';

const table = tableOf([edgeOf(1, 'c1'), edgeOf(2, 'c1'), edgeOf(3, 'c2')]);

let site: N2nSite;
let frontend: TestHost;
let c1: TestHost;
let c2: TestHost;
const n2n = (host: TestHost) => createN2nHost({ ...host, policy });

beforeAll(async () => {
  site = await startN2nSite();
  ({ frontend, c1, c2 } = site);
  // Counts what comes to c2 from c1 past the supernode.
  await c2.run('nft add table ip spy');
  await c2.run('nft add chain ip spy in { type filter hook prerouting priority -400 ; }');
  await c2.run('nft add rule ip spy in ip saddr 192.168.10.11 udp dport 7703 counter');
});

afterAll(async () => {
  for (const vm of ['vm1', 'vm2', 'vm3'].map(namespaceName)) await sh(`ip netns delete ${vm}`);
  await site?.stop();
});

/** A process that has ended but was not waited for does not run. */
const isRunning = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

const pidOf = (host: TestHost, vm: string) =>
  Number(
    readFileSync(`${host.services}/mvc-${operation.mark.clusterId}-edge-${vm}/edge.pid`, 'utf8'),
  );

/** Of the frontend's supernode; 0 while there is none. */
async function supernodePid(): Promise<number> {
  for (const pid of (await sh(`ip netns pids ${frontend.name}`)).split('\n').filter(Boolean)) {
    if (existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'supernode\n') {
      return Number(pid);
    }
  }
  return 0;
}

it('brings up a supernode and edges, over which VMs reach each other', async () => {
  const supernode = createSupernodeHost({ ...frontend, policy });
  await supernode.ensure(operation, '1.3', table.supernode!);
  await n2n(c1).apply(operation, 'c1', table, key);
  await n2n(c2).apply(operation, 'c2', table, key);
  await until(20, 'the supernode listens', async () => (await supernode.describe(operation)).up);
  for (const host of [c1, c2]) {
    await until(30, `the edges of ${host.name} have registered`, async () =>
      (await n2n(host).describe(operation)).every((each) => each.up && each.registered),
    );
  }
  expect((await n2n(c1).describe(operation)).map((each) => each.vm)).toEqual(['vm1', 'vm2']);
  for (const each of table.edges) {
    const host = each.container === 'c1' ? c1 : c2;
    await plugVm(host, { ...each, name: namespaceName(each.vm), mtu: table.mtu });
  }
  await until(
    20,
    'vm1 reaches vm3',
    async () => (await pings(namespaceName('vm1'), '10.77.1.3', 1)) === 1,
  );
  expect(await pings(namespaceName('vm1'), '10.77.1.2')).toBe(5);
  expect(await pings(namespaceName('vm3'), '10.77.1.2')).toBe(5);
  expect(await pings(namespaceName('vm3'), '10.77.1.1')).toBe(5);
});

it('lets edges speak with the supernode alone', async () => {
  expect(await c2.run('nft list table ip spy')).toContain('packets 0 ');
});

it('shows the key in no argument and in no file that others can read', async () => {
  expect(await sh('ps -e -o args=')).not.toContain(key);
  const withKey = await sh(`grep -rlsF --exclude-dir=supervise ${key} ${c1.services}`);
  const files = withKey.trim().split('\n');
  expect(files.length, 'the environment and the definition of two edges').toBe(4);
  for (const file of files) expect(statSync(file).mode & 0o077).toBe(0);
});

it('leaves edges alone when nothing has changed', async () => {
  const before = [pidOf(c1, 'vm1'), pidOf(c1, 'vm2')];
  await n2n(c1).apply(operation, 'c1', table, key);
  expect([pidOf(c1, 'vm1'), pidOf(c1, 'vm2')]).toEqual(before);
  expect(await pings(namespaceName('vm1'), '10.77.1.3')).toBe(5);
});

it.each([
  ['an edge', (pid: number) => pid],
  [
    'its script',
    (pid: number) => Number(/PPid:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  ],
])('brings the VM back within seconds after kill -9 of %s', async (_, victim) => {
  const old = pidOf(c1, 'vm1');
  process.kill(victim(old), 'SIGKILL');
  await until(15, 'a new edge runs', async () => {
    const [seen] = await n2n(c1).describe(operation);
    return pidOf(c1, 'vm1') !== old && seen?.up && seen.registered;
  });
  await until(
    15,
    'vm1 reaches vm3',
    async () => (await pings(namespaceName('vm1'), '10.77.1.3', 1)) === 1,
  );
  expect(isRunning(old), 'the old edge is gone').toBe(false);
});

it('brings the supernode back after kill -9, and leaves the edges alone', async () => {
  const supernode = createSupernodeHost({ ...frontend, policy });
  const [before, edge] = [await supernodePid(), pidOf(c1, 'vm1')];
  process.kill(before, 'SIGKILL');
  await until(10, 'a new supernode runs', async () => {
    return (await supernode.describe(operation)).up && (await supernodePid()) !== before;
  });
  // Edges of n2n 1.3 register with it within a minute, by themselves.
  expect(pidOf(c1, 'vm1')).toBe(edge);
});

it('brings everything back after a reboot of all hosts, and claims nothing before', async () => {
  const supernode = createSupernodeHost({ ...frontend, policy });
  await Promise.all([frontend, c1, c2].map((host) => host.reboot()));
  for (const host of [c1, c2]) {
    const seen = await n2n(host).describe(operation);
    expect(seen.map((each) => each.registered)).toEqual(seen.map(() => false));
  }
  await until(20, 'the supernode is up', async () => (await supernode.describe(operation)).up);
  for (const host of [c1, c2]) {
    await until(30, `the edges of ${host.name} have registered`, async () =>
      (await n2n(host).describe(operation)).every((each) => each.up && each.registered),
    );
  }
  await until(
    20,
    'vm1 reaches vm3',
    async () => (await pings(namespaceName('vm1'), '10.77.1.3', 1)) === 1,
  );
}, 90_000);

it('lets a VM speak with its own MAC only', async () => {
  await sh(`ip -n ${namespaceName('vm2')} link set eth0 address 02:5e:5e:00:00:09`);
  expect(await pings(namespaceName('vm2'), '10.77.1.3', 3)).toBe(0);
  await sh(`ip -n ${namespaceName('vm2')} link set eth0 address 02:5e:5e:00:00:02`);
  await until(
    15,
    'vm2 reaches vm3',
    async () => (await pings(namespaceName('vm2'), '10.77.1.3', 1)) === 1,
  );
});

it('registers edges soon that were started before the supernode', async () => {
  const supernode = createSupernodeHost({ ...frontend, policy });
  await supernode.remove(operation);
  const old = pidOf(c1, 'vm1');
  process.kill(old, 'SIGKILL');
  await until(10, 'a new edge runs', async () => pidOf(c1, 'vm1') !== old);
  const unheard = (await n2n(c1).describe(operation))[0];
  expect(unheard?.registered, 'nobody has answered yet').toBe(false);
  await supernode.ensure(operation, '1.3', table.supernode!);
  await until(20, 'the edge has registered', async () =>
    (await n2n(c1).describe(operation)).every((each) => each.up && each.registered),
  );
}, 60_000);

it('removes the edge that the table no longer has, and no other', async () => {
  const before = pidOf(c1, 'vm1');
  await n2n(c1).apply(operation, 'c1', { ...table, edges: [edgeOf(1, 'c1')] }, key);
  expect((await n2n(c1).describe(operation)).map((each) => each.vm)).toEqual(['vm1']);
  expect(pidOf(c1, 'vm1')).toBe(before);
  const links = await c1.run('ip -o link');
  expect(links).not.toContain('n2ntest-2');
  expect(links).toContain('tn2ntest-1');
});

it('refuses an interface that is not ours and a port outside the policy', async () => {
  await c2.run('ip link add bn2ntest-9 type bridge');
  const foreign = { ...table, edges: [...table.edges, edgeOf(9, 'c2')] };
  await expect(n2n(c2).apply(operation, 'c2', foreign, key)).rejects.toMatchObject({
    kind: 'Conflict',
  });
  await c2.run('ip link delete bn2ntest-9');
  const outside = { ...table, edges: [{ ...edgeOf(3, 'c2'), udpPort: 22 }] };
  await expect(n2n(c2).apply(operation, 'c2', outside, key)).rejects.toMatchObject({
    kind: 'Forbidden',
  });
});

it('leaves nothing behind when it is removed', async () => {
  const pids = [pidOf(c1, 'vm1'), pidOf(c2, 'vm3')];
  for (const host of [c1, c2]) {
    await n2n(host).remove(operation);
    await n2n(host).remove(operation);
    expect(await host.run('ip -o link')).not.toContain('n2ntest');
    expect(await host.run('nft list tables')).not.toContain('mvc_');
    expect(readdirSync(host.services)).toEqual([]);
  }
  await createSupernodeHost({ ...frontend, policy }).remove(operation);
  expect(await frontend.run('nft list tables')).not.toContain('mvc_');
  expect(readdirSync(frontend.services)).toEqual([]);
  for (const pid of pids) expect(isRunning(pid)).toBe(false);
});
