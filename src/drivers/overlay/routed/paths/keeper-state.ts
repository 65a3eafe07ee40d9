import { directDevice, hasAllPeers, relayOf } from './addresses.ts';
import type { Carrier } from './carrier.ts';
import type { Path } from './choose-path.ts';
import type { RelayChoice } from './choose-relay.ts';
import type { Endpoint, PathsConfig, PathsPeer } from './config.ts';
import { newLiveness, type Liveness } from './liveness.ts';
import type { Message } from './messages.ts';
import type { MtuMeasurement } from './mtu.ts';
import { newRecovery, type Recovery } from './recovery.ts';
import { candidatesFor, newPair, type Candidate, type Pair } from './rendezvous.ts';

/** What the decisions ask of the outside. */
export type Effect =
  | { kind: 'send'; device: number; to: number; message: Message }
  /** Takes the peer out and puts it back: its next handshake begins at once. No endpoint: the relay's own. */
  | { kind: 'kick'; device: number; number: number; endpoint?: Endpoint }
  /** Sets the endpoint; a session goes on. */
  | { kind: 'point'; device: number; number: number; endpoint: Endpoint }
  /** Takes the peer out and puts it back without an endpoint. */
  | { kind: 'forget'; device: number; number: number }
  | { kind: 'carry'; device: number; by: Carrier['by'] };

/** This container's link with another on one of its devices, without anyone between. */
export interface Link {
  device: number;
  number: number;
  life: Liveness;
  /** As of the last look at the device. */
  counters?: { sent: number; received: number; handshakeAt: number };
  endpoint?: Endpoint;
  /** Only for links that must be there: those with relays. */
  recovery?: Recovery;
}

export interface Meeting {
  asker: number;
  other: number;
  at: number;
  touched: Set<number>;
}

/** All that is known at one container. Changed in place, by what has happened and the time that it did. */
export interface KeeperState {
  config: PathsConfig;
  startedAt: number;
  /** From 0 to 1; spreads what must not happen at the same moment. */
  random: () => number;
  links: Map<string, Link>;
  pairs: Map<number, Pair>;
  paths: Map<number, Path & { since: number; rttMs?: number }>;
  measurements: Map<number, MtuMeasurement>;
  /** What came out, by peer and then by device: it holds when a path is taken again. */
  mtus: Map<number, Map<number, number>>;
  carriers: Map<number, Carrier>;
  provedByUdp: Map<number, number>;
  relay: RelayChoice | undefined;
  /** By device of a relay: what that relay told last. */
  relayNews: Map<number, { load: number; absent: Set<number> }>;
  /** Which relays' links a peer said to be alive, and when. */
  peerLinks: Map<number, { live: number[]; at: number }>;
  meetings: Map<string, Meeting>;
  movedToldAt: Map<number, number>;
  /** Where each direct device was seen last, also before its or our program was started again. */
  seenAt: Map<number, Endpoint>;
  /** Probes that are not answered yet, by their id. */
  asked: Map<number, { device: number; number: number; sentAt: number; size?: number }>;
  nextId: number;
  /** Devices that do not answer. */
  down: Set<number>;
  /** Endpoints to give back to peers of a device that was started again. */
  restore: Map<string, Endpoint>;
  /** Bytes per second through our own relay device. */
  load: number;
  loadAt: number;
  lastLinks: string;
  lastAbsent: string;
  effects: Effect[];
}

export function newKeeperState(
  config: PathsConfig,
  now: number,
  random: () => number,
): KeeperState {
  const state: KeeperState = {
    config,
    startedAt: now,
    random,
    links: new Map(),
    pairs: new Map(),
    paths: new Map(),
    measurements: new Map(),
    mtus: new Map(),
    carriers: new Map(),
    provedByUdp: new Map(),
    relay: undefined,
    relayNews: new Map(),
    peerLinks: new Map(),
    meetings: new Map(),
    movedToldAt: new Map(),
    seenAt: new Map(),
    asked: new Map(),
    nextId: Math.floor(random() * 2 ** 31),
    down: new Set(),
    restore: new Map(),
    load: 0,
    loadAt: now,
    lastLinks: '',
    lastAbsent: '',
    effects: [],
  };
  adopt(state, config, now);
  return state;
}

/** Takes over a new table. What is in both goes on undisturbed. */
export function adopt(state: KeeperState, config: PathsConfig, now: number): void {
  state.config = config;
  const numbers = new Set(config.peers.map((peer) => peer.number));
  const wanted = new Set<string>();
  for (const device of [directDevice, ...config.relays.map((_, index) => index + 1)]) {
    for (const number of linkedBy(config, device)) {
      wanted.add(linkKey(device, number));
      ensureLink(state, device, number, now);
    }
    if (!hasAllPeers(config, device) && !state.carriers.has(device)) {
      state.carriers.set(device, { by: 'udp', since: now });
    }
  }
  for (const key of state.links.keys()) if (!wanted.has(key)) state.links.delete(key);
  for (const peer of config.peers) {
    if (isRelay(config, peer.number) || isRelay(config, config.self))
      state.pairs.delete(peer.number);
    else if (!state.pairs.has(peer.number)) {
      state.pairs.set(peer.number, newPair(candidates(state, peer), now));
    }
  }
  for (const map of [state.pairs, state.paths, state.measurements, state.mtus, state.peerLinks]) {
    for (const number of map.keys()) if (!numbers.has(number)) map.delete(number);
  }
}

/** With whom this container has a link on the device. */
export function linkedBy(config: PathsConfig, device: number): number[] {
  if (hasAllPeers(config, device)) return config.peers.map((peer) => peer.number);
  const relay = relayOf(config, device);
  return config.peers.some((peer) => peer.number === relay) && relay !== undefined ? [relay] : [];
}

function ensureLink(state: KeeperState, device: number, number: number, now: number): void {
  const key = linkKey(device, number);
  if (state.links.has(key)) return;
  const link: Link = { device, number, life: newLiveness(now) };
  const patienceMs = device === directDevice ? 0 : 1500;
  if (keeps(state.config, device, number)) link.recovery = newRecovery(now, patienceMs);
  state.links.set(key, link);
}

/** Whether this container is the end that sets up its link with a relay, and again when it is dead. */
function keeps(config: PathsConfig, device: number, number: number): boolean {
  if (device !== directDevice) return relayOf(config, device) !== config.self;
  const peer = peerOf(config, number);
  const reached = peer?.lanEndpoint ?? peer?.publicEndpoint;
  // Of two relays one begins.
  const begins = !isRelay(config, config.self) || config.self < number;
  return isRelay(config, number) && reached !== undefined && begins;
}

export function candidates(state: KeeperState, peer: PathsPeer): Candidate[] {
  return candidatesFor(state.config.self, peer);
}

export function linkKey(device: number, number: number): string {
  return `${device}/${number}`;
}

export function linkOf(state: KeeperState, device: number, number: number): Link | undefined {
  return state.links.get(linkKey(device, number));
}

export function isAlive(state: KeeperState, device: number, number: number): boolean {
  return linkOf(state, device, number)?.life.alive === true && !state.down.has(device);
}

export function isRelay(config: PathsConfig, number: number): boolean {
  return config.relays.some((relay) => relay.number === number);
}

export function peerOf(config: PathsConfig, number: number): PathsPeer | undefined {
  return config.peers.find((peer) => peer.number === number);
}

/** The device on which this container relays for others, if it does. */
export function ownRelayDevice(config: PathsConfig): number | undefined {
  const index = config.relays.findIndex((relay) => relay.number === config.self);
  return index < 0 ? undefined : index + 1;
}

export function send(state: KeeperState, device: number, to: number, message: Message): void {
  state.effects.push({ kind: 'send', device, to, message });
}

export function sendProbe(
  state: KeeperState,
  device: number,
  to: number,
  now: number,
  size?: number,
): void {
  const id = state.nextId;
  state.nextId = (id + 1) % 2 ** 32;
  const sized = size === undefined ? {} : { size };
  state.asked.set(id, { device, number: to, sentAt: now, ...sized });
  send(state, device, to, { t: 'probe', id, ...sized });
}

/** To a peer by the path that its VMs' traffic takes, or by another relay. */
export function sendByRelay(state: KeeperState, to: number, message: Message): void {
  const devices = state.config.relays.map((_, index) => index + 1);
  const alive = devices.filter((device) => {
    const end = hasAllPeers(state.config, device) ? to : (relayOf(state.config, device) ?? 0);
    return isAlive(state, device, end);
  });
  for (const device of alive) send(state, device, to, message);
}
