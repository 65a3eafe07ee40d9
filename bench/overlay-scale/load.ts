import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Link } from '../../src/drivers/overlay/routed/link-config.ts';
import { linkChanges } from '../../src/drivers/overlay/routed/link-update.ts';
import { until, type Ground } from '../overlay/ground.ts';
import { median } from '../overlay/measure.ts';
import { wireguardProgram } from '../overlay/wireguard.ts';
import type { ContainerFiles } from './files.ts';

const rounds = 5;
const place = 'left';

/**
 * Milliseconds that a host takes, medians. `more`: once it is loaded, for one VM more in the cluster, which is
 * at another container; but for the rules, which only change where it joins.
 */
export interface LoadTimes {
  rules: number;
  rulesMore: number;
  direct: number;
  directMore: number;
  relay: number;
  relayMore: number;
  routes: number;
  routesMore: number;
  /** All that one VM more at another container takes: its links, and a route. */
  sumMore: number;
  /** Of the program of the direct device with all its peers. */
  wireguardMiB: number;
}

/**
 * Loads in one namespace what a container that does not relay has: its rules, its links and its routes.
 *
 * @param before of the same container as `after`.
 */
export async function measureLoad(
  ground: Ground,
  before: ContainerFiles,
  after: ContainerFiles,
): Promise<LoadTimes> {
  const [direct, relay] = [...before.links.keys()];
  if (direct === undefined || relay === undefined) throw new Error('the container has no links');
  const rules = await loadRules(ground, before, after);
  const wg = await loadLink(ground, direct, before, after);
  const spoke = await loadLink(ground, relay, before, after);
  const routes = await loadRoutes(ground, wg.device, before, after);
  const relays = before.links.size - 1;
  return {
    rules: rules.first,
    rulesMore: rules.more,
    direct: wg.first,
    directMore: wg.more,
    relay: spoke.first,
    relayMore: spoke.more,
    routes: routes.first,
    routesMore: routes.more,
    sumMore: wg.more + relays * spoke.more + routes.more,
    wireguardMiB: wg.memoryMiB,
  };
}

async function loadRules(ground: Ground, before: ContainerFiles, after: ContainerFiles) {
  const bridges = after.order.edges.map(({ bridge }) => `link add name ${bridge} type bridge\n`);
  await ground.ip(place, bridges.join(''));
  const load = (text = '') => ground.run(place, ['nft', '-f', '-'], { stdin: text });
  return alternate(
    async () => load(before.files.get('rules.nft')),
    async () => load(after.files.get('rules.nft')),
  );
}

async function loadLink(
  ground: Ground,
  name: string,
  before: ContainerFiles,
  after: ContainerFiles,
) {
  // The sockets of all namespaces are in one directory.
  const device = `wl${name.slice(10) === 'd' ? 8 : 9}x${ground.id}`;
  await ground.ip(place, `tuntap add dev ${device} mode tun vnet_hdr\n`);
  const program = ground.start(place, [wireguardProgram, '-f', device], {
    WG_PROCESS_FOREGROUND: '1',
  });
  await until(`WireGuard ${device} (${program.output()})`, () =>
    ground.run(place, ['wg', 'show', device]).then(
      () => true,
      () => false,
    ),
  );
  const privateKey = (await ground.run(place, ['wg', 'genkey'])).trim();
  const file = join(ground.directory, `${device}.conf`);
  const config = before.links.get(name) ?? '';
  await writeFile(file, config.replace(/PrivateKey = .*/, `PrivateKey = ${privateKey}`), {
    mode: 0o600,
  });
  const wanted = after.wanted.find((each) => each.device === name);
  if (!wanted) throw new Error(`after one VM more there is no ${name}`);
  const times = await alternate(
    async () => ground.run(place, ['wg', 'setconf', device, file]),
    async () => changeLink(ground, device, { ...wanted, privateKey }),
  );
  await ground.ip(place, `link set ${device} mtu 1420 up\n`);
  return { ...times, device, memoryMiB: await residentMiB(program.pid) };
}

/** As the driver changes a link that runs: it looks at what is there, and tells the difference alone. */
async function changeLink(ground: Ground, device: string, wanted: Link): Promise<void> {
  const dump = await ground.run(place, ['wg', 'show', device, 'dump']);
  // Where a VM joins, no secret changes.
  const changes = linkChanges(wanted, dump, { key: '/dev/null', psk: () => '/dev/null' });
  if (changes.length !== 4) throw new Error(`not one peer was changed: ${changes.join(' ')}`);
  await ground.run(place, ['wg', 'set', device, ...changes]);
}

async function loadRoutes(
  ground: Ground,
  device: string,
  before: ContainerFiles,
  after: ContainerFiles,
) {
  const lines = (files: ContainerFiles) =>
    files.order.peers.flatMap(({ addresses }) =>
      addresses.map((address) => `route replace ${address}/32 dev ${device}\n`),
    );
  const known = new Set(lines(before));
  const added = lines(after).filter((line) => !known.has(line));
  return alternate(
    async () => ground.ip(place, [...known].join('')),
    async () => ground.ip(place, added.join('')),
    async () => ground.run(place, ['ip', 'route', 'flush', 'dev', device]).then(() => undefined),
  );
}

/** Medians of both in turn, so that what slows the machine down slows both alike. */
async function alternate(
  first: () => Promise<unknown>,
  more: () => Promise<unknown>,
  undo?: () => Promise<void>,
): Promise<{ first: number; more: number }> {
  const times: { first: number; more: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    times.push({ first: await took(first), more: await took(more) });
    await undo?.();
  }
  return {
    first: median(times.map((each) => each.first)),
    more: median(times.map((each) => each.more)),
  };
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
