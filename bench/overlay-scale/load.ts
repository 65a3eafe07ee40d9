import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until, type Ground } from '../overlay/ground.ts';
import { median } from '../overlay/measure.ts';
import { wireguardProgram } from '../overlay/wireguard.ts';
import type { ContainerFiles } from './files.ts';

const rounds = 5;
const place = 'left';

/** Milliseconds that a host takes, medians. `more`: once it is loaded, for one VM more in the cluster. */
export interface LoadTimes {
  rules: number;
  rulesMore: number;
  direct: number;
  directMore: number;
  relay: number;
  relayMore: number;
  routes: number;
  routesMore: number;
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
  return {
    rules: rules.first,
    rulesMore: rules.more,
    direct: wg.first,
    directMore: wg.more,
    relay: spoke.first,
    relayMore: spoke.more,
    routes: routes.first,
    routesMore: routes.more,
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
  const privateKey = randomBytes(32).toString('base64');
  const fileOf = async (which: string, files: ContainerFiles) => {
    const file = join(ground.directory, `${device}-${which}.conf`);
    const text = (files.links.get(name) ?? '').replace(
      /PrivateKey = .*/,
      `PrivateKey = ${privateKey}`,
    );
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const files = { before: await fileOf('before', before), after: await fileOf('after', after) };
  const times = await alternate(
    async () => ground.run(place, ['wg', 'setconf', device, files.before]),
    async () => ground.run(place, ['wg', 'syncconf', device, files.after]),
  );
  await ground.ip(place, `link set ${device} mtu 1420 up\n`);
  return { ...times, device, memoryMiB: await residentMiB(program.pid) };
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
