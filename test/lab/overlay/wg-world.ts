import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint, PathsConfig } from '../../../src/drivers/overlay/routed/paths/config.ts';
import {
  pathsStateSchema,
  type PathsState,
} from '../../../src/drivers/overlay/routed/paths/state.ts';
import { bundleMvcSite } from '../../../src/site/bundle.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import { sh, until } from './hosts.ts';

const local = createLocalShell();
const root = join(import.meta.dirname, '../../..');
const program = process.env['MVC_WIREGUARD'] ?? join(root, '.tools/wireguard-go');
const prefix6 = 'fd42:4242:4242';
const ports = { direct: 51820, relay: 51830, tcp: 51840 };
const mtu = 1420;

/** One container: public ones are on the WAN and relay, the others are each behind a NAT of its own. */
export interface Node {
  name: string;
  number: number;
  namespace: string;
  /** Of its VM. */
  address: string;
  directory: string;
  relays: boolean;
}

interface Device {
  name: string;
  node: Node;
  index: number;
  process?: ChildProcess;
  restarts: boolean;
}

/** A WAN with containers, WireGuard in user space and a keeper of paths at each. */
export interface WgWorld {
  node(name: string): Node;
  run(namespace: string, command: string): Promise<string>;
  /** Replaces the table of a node's keeper. */
  configure(node: Node, extra?: Partial<PathsConfig>): void;
  startKeeper(node: Node): void;
  stopKeeper(node: Node): Promise<void>;
  state(node: Node): PathsState | undefined;
  path(from: Node, to: Node): PathsState['paths'][number] | undefined;
  /** By which device packets from one go to the other's VM. */
  routeDevice(from: Node, to: Node): Promise<string>;
  /** kill -9; started again like a service, unless `restarts` is false. */
  killDevice(node: Node, index: number, restarts?: boolean): void;
  startDevice(node: Node, index: number): void;
  /** Rules of the node's NAT about what passes it, as nft statements. */
  block(node: Node, ...rules: string[]): Promise<void>;
  natMode(node: Node, random: boolean): Promise<void>;
  /** Gives the node's NAT another public address. */
  moveNat(node: Node): Promise<void>;
  wanAddress(node: Node): string;
  cpuSeconds(node: Node): { cpu: number; memoryMb: number };
  log(node: Node): string;
  stop(): Promise<void>;
}

/** @param relays how many public nodes relay: `r1`, `r2`; `names` are those behind NATs. */
export async function startWgWorld(relays: number, names: string[]): Promise<WgWorld> {
  const id = `mp${Math.floor(Math.random() * 0xfff).toString(16)}`;
  const base = mkdtempSync(join(tmpdir(), `${id}-`));
  const namespaces: string[] = [];
  const wan = new Map<string, string>();
  const nodes: Node[] = [];
  const devices: Device[] = [];
  const keepers = new Map<string, ChildProcess>();
  let stopping = false;

  const run = (namespace: string, command: string) => sh(`ip netns exec ${namespace} ${command}`);
  const natOf = (node: Node) => `${node.namespace}n`;
  const keys = new Map<string, { private: string; public: string }>();

  async function namespace(name: string): Promise<void> {
    namespaces.push(name);
    await sh(`ip netns add ${name}`);
    await sh(`ip -n ${name} link set lo up`);
  }

  async function onWan(name: string, address: string): Promise<void> {
    await sh(`ip -n ${id}w link add v${namespaces.length} type veth peer name wan0 netns ${name}`);
    await sh(`ip -n ${id}w link set v${namespaces.length} master br0 up`);
    await sh(`ip -n ${name} addr add ${address}/24 dev wan0`);
    await sh(`ip -n ${name} link set wan0 up`);
  }

  async function nft(name: string, text: string): Promise<void> {
    const argv = ['ip', 'netns', 'exec', name, 'nft', '-f', '-'] as const;
    const { exitCode, stderr } = await local.run(argv, { stdin: text });
    if (exitCode !== 0) throw new Error(stderr);
  }

  async function addNat(node: Node, address: string): Promise<void> {
    const nat = natOf(node);
    await namespace(nat);
    await onWan(nat, address);
    await sh(`ip -n ${nat} link add lan0 type veth peer name eth0 netns ${node.namespace}`);
    await sh(`ip -n ${nat} addr add 192.168.10.1/24 dev lan0`);
    await sh(`ip -n ${nat} link set lan0 up`);
    await sh(`ip -n ${node.namespace} addr add 192.168.10.11/24 dev eth0`);
    await sh(`ip -n ${node.namespace} link set eth0 up`);
    await sh(`ip -n ${node.namespace} route add default via 192.168.10.1`);
    await run(nat, 'sysctl -qw net.ipv4.ip_forward=1');
    await nft(
      nat,
      `table ip nat {
         chain post { type nat hook postrouting priority 100
           oifname "wan0" masquerade
         }
       }
       table ip flt {
         chain blocked { }
         chain passing { type filter hook forward priority 0; policy drop;
           jump blocked
           ct state established,related accept
           iifname "lan0" accept
         }
         chain entering { type filter hook input priority 0
           iifname "wan0" ct state new drop
         }
       }`,
    );
  }

  async function addNode(name: string, number: number): Promise<void> {
    const relaying = number <= relays;
    const node: Node = {
      name,
      number,
      namespace: `${id}${name}`,
      address: `10.77.0.${number}`,
      directory: join(base, name),
      relays: relaying,
    };
    mkdirSync(join(node.directory, 'psk'), { recursive: true });
    nodes.push(node);
    await namespace(node.namespace);
    const address = `198.51.100.${number}`;
    wan.set(name, address);
    if (relaying) await onWan(node.namespace, address);
    else await addNat(node, address);
    await sh(`ip -n ${node.namespace} addr add ${node.address}/32 dev lo`);
    for (const setting of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      await run(node.namespace, `sysctl -qw ${setting}=1`);
    }
    const secret = (await sh('wg genkey')).trim();
    const { stdout } = await local.run(['wg', 'pubkey'], { stdin: secret });
    keys.set(name, { private: secret, public: stdout.trim() });
  }

  const pskOf = (a: Node, b: Node) => {
    const [low = 0, high = 0] = [a.number, b.number].toSorted((x, y) => x - y);
    return Buffer.alloc(32, low * 16 + high).toString('base64');
  };

  function deviceConfig(device: Device): string {
    const { node, index } = device;
    const others = nodes.filter((each) => each !== node);
    const relay = index === 0 ? undefined : nodes[index - 1];
    const spoke = relay !== undefined && relay !== node;
    const port = index === 0 ? ports.direct : ports.relay + index - 1;
    const allowed = (each: Node) =>
      `${each.address}/32, ${prefix6}:${index}::${each.number.toString(16)}/128`;
    const peers = spoke ? [relay] : others;
    return [
      `[Interface]\nPrivateKey = ${keys.get(node.name)?.private}\nListenPort = ${port}`,
      ...peers.map(
        (peer) =>
          `[Peer]\nPublicKey = ${keys.get(peer.name)?.public}\nPresharedKey = ${pskOf(node, peer)}\n` +
          `AllowedIPs = ${(spoke ? others : [peer]).map(allowed).join(', ')}\n` +
          (spoke ? `Endpoint = ${wan.get(relay.name)}:${port}\nPersistentKeepalive = 5\n` : ''),
      ),
    ].join('\n');
  }

  async function serve(device: Device): Promise<void> {
    const { namespace, directory } = device.node;
    const child = spawn('ip', ['netns', 'exec', namespace, program, '-f', device.name], {
      stdio: 'ignore',
      env: { ...process.env, WG_PROCESS_FOREGROUND: '1' },
    });
    device.process = child;
    device.restarts = true;
    child.once('exit', () => {
      if (!stopping && device.restarts)
        setTimeout(() => void serve(device).catch(() => undefined), 100);
    });
    await until(5, `${device.name} answers`, async () => {
      const { exitCode } = await local.run(['wg', 'show', device.name, 'listen-port']);
      return exitCode === 0;
    });
    const file = join(directory, `${device.name}.conf`);
    writeFileSync(file, deviceConfig(device), { mode: 0o600 });
    await run(namespace, `wg setconf ${device.name} ${file}`);
    await sh(`ip -n ${namespace} link set ${device.name} mtu ${mtu} up`);
    const address = `${prefix6}:${device.index}::${device.node.number.toString(16)}/128`;
    await sh(`ip -n ${namespace} -6 addr replace ${address} dev ${device.name} nodad`);
  }

  async function addDevices(node: Node): Promise<void> {
    for (let index = 0; index <= relays; index += 1) {
      const name = `${node.namespace}-${index === 0 ? 'd' : `r${index - 1}`}`;
      await sh(`ip -n ${node.namespace} tuntap add dev ${name} mode tun vnet_hdr`);
      const device: Device = { name, node, index, restarts: true };
      devices.push(device);
      await serve(device);
    }
  }

  const publicEndpoint = (node: Node): { publicEndpoint?: Endpoint } =>
    node.relays
      ? { publicEndpoint: { address: wan.get(node.name) ?? '', port: ports.direct } }
      : {};

  const world: WgWorld = {
    node: (name) => {
      const found = nodes.find((each) => each.name === name);
      if (!found) throw new Error(`no node ${name}`);
      return found;
    },
    run,
    configure(node, extra = {}) {
      const deviceName = (index: number) =>
        devices.find((each) => each.node === node && each.index === index)?.name ?? '';
      const config: PathsConfig = {
        version: 1,
        self: node.number,
        prefix6,
        mtu,
        direct: { device: deviceName(0), port: ports.direct },
        relays: nodes.slice(0, relays).map((relay, index) => ({
          number: relay.number,
          device: deviceName(index + 1),
          endpoint: { address: wan.get(relay.name) ?? '', port: ports.relay + index },
          tcpPort: ports.tcp,
        })),
        peers: nodes
          .filter((each) => each !== node)
          .map((each) => ({
            number: each.number,
            publicKey: keys.get(each.name)?.public ?? '',
            name: `site-${each.name}/${each.name}`,
            addresses: [each.address],
            ...publicEndpoint(each),
          })),
        ...extra,
      };
      for (const peer of nodes) {
        writeFileSync(join(node.directory, 'psk', String(peer.number)), pskOf(node, peer));
      }
      writeFileSync(join(node.directory, 'paths.json.new'), JSON.stringify(config));
      renameSync(join(node.directory, 'paths.json.new'), join(node.directory, 'paths.json'));
    },
    startKeeper(node) {
      const argv = ['netns', 'exec', node.namespace, process.execPath, join(base, 'mvc-site')];
      const log = join(node.directory, 'log');
      const child = spawn(
        'sh',
        ['-c', `exec "$@" >>${log} 2>&1`, 'sh', 'ip', ...argv, 'keep-paths', node.directory],
        { stdio: 'ignore' },
      );
      keepers.set(node.name, child);
    },
    async stopKeeper(node) {
      const child = keepers.get(node.name);
      if (!child) return;
      keepers.delete(node.name);
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
    state(node) {
      const file = join(node.directory, 'paths-state.json');
      if (!existsSync(file)) return undefined;
      return pathsStateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    },
    path(from, to) {
      return world.state(from)?.paths.find((each) => each.number === to.number);
    },
    async routeDevice(from, to) {
      const text = await sh(`ip -n ${from.namespace} route get ${to.address}`);
      return / dev \S+-(\S+)/.exec(text)?.[1] ?? text;
    },
    killDevice(node, index, restarts = true) {
      const device = devices.find((each) => each.node === node && each.index === index);
      if (!device?.process) throw new Error('no such device');
      device.restarts = restarts;
      device.process.kill('SIGKILL');
    },
    startDevice(node, index) {
      const device = devices.find((each) => each.node === node && each.index === index);
      if (device) void serve(device);
    },
    async block(node, ...rules) {
      const chain = rules.map((rule) => `add rule ip flt blocked ${rule}`).join('\n');
      await nft(natOf(node), `flush chain ip flt blocked\n${chain}\n`);
    },
    async natMode(node, random) {
      const flags = random ? ' random,fully-random' : '';
      await nft(
        natOf(node),
        `flush chain ip nat post\nadd rule ip nat post oifname "wan0" masquerade${flags}\n`,
      );
    },
    async moveNat(node) {
      const old = wan.get(node.name) ?? '';
      const address = `198.51.100.${100 + node.number + (old.endsWith(`.${100 + node.number}`) ? 50 : 0)}`;
      wan.set(node.name, address);
      await sh(`ip -n ${natOf(node)} addr del ${old}/24 dev wan0`);
      await sh(`ip -n ${natOf(node)} addr add ${address}/24 dev wan0`);
    },
    wanAddress: (node) => wan.get(node.name) ?? '',
    cpuSeconds(node) {
      const pid = keepers.get(node.name)?.pid ?? 0;
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      return {
        cpu: (Number(fields[13]) + Number(fields[14])) / 100,
        memoryMb: (pages * 4096) / 1e6,
      };
    },
    log: (node) => {
      const file = join(node.directory, 'log');
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    },
    async stop() {
      stopping = true;
      const children = [...keepers.values(), ...devices.flatMap((each) => each.process ?? [])];
      for (const child of children) child.kill('SIGKILL');
      await sleep(300);
      for (const name of namespaces.toReversed()) {
        const { stdout } = await local.run(['ip', 'netns', 'pids', name]);
        for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
        await local.run(['ip', 'netns', 'delete', name]);
      }
      for (const device of devices)
        rmSync(`/var/run/wireguard/${device.name}.sock`, { force: true });
      rmSync(base, { recursive: true, force: true });
    },
  };

  try {
    writeFileSync(join(base, 'mvc-site'), await bundleMvcSite());
    await namespace(`${id}w`);
    await sh(`ip -n ${id}w link add br0 type bridge`);
    await sh(`ip -n ${id}w link set br0 up`);
    const all = [...Array.from({ length: relays }, (_, index) => `r${index + 1}`), ...names];
    for (const [index, name] of all.entries()) await addNode(name, index + 1);
    for (const node of nodes) await addDevices(node);
    for (const node of nodes) world.configure(node);
    return world;
  } catch (error) {
    await world.stop();
    throw error;
  }
}
