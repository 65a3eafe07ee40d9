import { directDevice, hasAllPeers, relayOf } from './addresses.ts';
import { choosePath } from './choose-path.ts';
import { isAlive, linkOf, peerOf, sendProbe, type KeeperState } from './keeper-state.ts';
import { mtuPeriodMs, mtuRetryMs, newMeasurement, tickMeasurement } from './mtu.ts';
import type { PathsState } from './state.ts';

/** What a peer said of its links with relays counts so long; then the relays' own word does alone. */
const peerWordMs = 15_000;
/** Existing routes are left alone until the first answers are there. */
const graceMs = 1500;
const settleMs = 500;

/** Chooses anew for every peer, and measures those paths that are new. */
export function choosePaths(state: KeeperState, now: number): void {
  for (const { number } of state.config.peers) {
    const before = state.paths.get(number);
    const path = choosePath(state.config, number, {
      alive: (device, end) => isAlive(state, device, end),
      reaches: (device, end) => reaches(state, device, end, now),
      relay: state.relay?.device ?? 1,
      current: before?.device,
    });
    if (path.device !== before?.device || path.class !== before.class) {
      state.paths.set(number, { ...path, since: now });
      state.measurements.set(number, newMeasurement(path.device, now + settleMs));
    }
    measure(state, number, now);
  }
}

/** What passes may be another now, on all paths of the device. */
export function measureAnew(state: KeeperState, device: number, now: number): void {
  for (const [number, path] of state.paths) {
    if (path.device !== device) continue;
    state.measurements.set(number, newMeasurement(device, now + settleMs));
  }
}

/** Whether the relay of the device hears the peer, by its own word and the peer's. */
export function reaches(state: KeeperState, device: number, number: number, now: number): boolean {
  if (state.relayNews.get(device)?.absent.has(number)) return false;
  const word = state.peerLinks.get(number);
  return !word || now - word.at > peerWordMs || word.live.includes(device);
}

function measure(state: KeeperState, number: number, now: number): void {
  const before = state.measurements.get(number);
  const path = state.paths.get(number);
  if (!before || !path || path.class === 'down') return;
  const { run, probe, done } = tickMeasurement(before, state.config.mtu, now);
  for (const size of probe) sendProbe(state, path.device, number, now, size);
  if (done?.mtu !== undefined) {
    const known = state.mtus.get(number) ?? new Map<number, number>();
    state.mtus.set(number, known.set(path.device, done.mtu));
  }
  const pauseMs = done?.mtu === undefined ? mtuRetryMs : mtuPeriodMs;
  const later = newMeasurement(path.device, now + pauseMs * (0.9 + 0.2 * state.random()));
  state.measurements.set(number, done ? later : run);
}

/** Where each address of the peers' VMs goes, as the number of a device. Nothing before the first answers. */
export function wantedRoutes(state: KeeperState, now: number): Map<string, number> | undefined {
  if (now - state.startedAt < graceMs) return undefined;
  return new Map(
    state.config.peers.flatMap((peer) => {
      const path = state.paths.get(peer.number);
      return path ? peer.addresses.map((address) => [address, path.device] as const) : [];
    }),
  );
}

export function viewPaths(state: KeeperState, wallMs: number): PathsState {
  const { config } = state;
  const devices = config.relays.map((_, index) => index + 1);
  return {
    version: 1,
    at: Math.floor(wallMs / 1000),
    self: config.self,
    relaysAlive: devices.flatMap((device) => {
      const relay = relayOf(config, device) ?? 0;
      return relay === config.self || isAlive(state, device, relay) ? [relay] : [];
    }),
    paths: config.peers.flatMap((peer) => viewPath(state, peer.number, peer.name)),
  };
}

function viewPath(state: KeeperState, number: number, name: string): PathsState['paths'] {
  const path = state.paths.get(number);
  if (!path) return [];
  const relay = relayOf(state.config, path.device);
  const through = path.class === 'relayed' && relay !== undefined;
  const end = hasAllPeers(state.config, path.device) ? number : (relay ?? 0);
  const link = linkOf(state, path.device, end);
  const rttMs = end === number ? link?.life.rttMs : path.rttMs;
  const mtu = state.mtus.get(number)?.get(path.device);
  const via = through ? peerOf(state.config, relay)?.name : undefined;
  return [
    {
      number,
      name,
      class: path.class,
      ...(via === undefined ? {} : { via }),
      directAlive: isAlive(state, directDevice, number),
      carrier: (state.carriers.get(path.device)?.by ?? 'udp') === 'udp' ? 'udp' : 'tcp',
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 10) / 10 }),
      ...(mtu === undefined ? {} : { mtu }),
      since: Math.floor(path.since / 1000),
      ...(link?.endpoint ? { endpoint: link.endpoint } : {}),
    },
  ];
}
