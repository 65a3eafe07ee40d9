import { directDevice, hasAllPeers } from './addresses.ts';
import type { Endpoint } from './config.ts';
import {
  candidates,
  isRelay,
  linkKey,
  linkOf,
  ownRelayDevice,
  peerOf,
  send,
  sendProbe,
  type KeeperState,
  type Link,
} from './keeper-state.ts';
import { heard, lost, proved, unanswered } from './liveness.ts';
import { again } from './rendezvous.ts';
import type { WgPeer } from './wg-peer.ts';

/** WireGuard's keepalive; it asks for no answer. */
const keepaliveBytes = 32;
/** A session lives so long without a new handshake. */
const sessionMs = 150_000;
const movedPeriodMs = 5000;

/** What a look at a device has shown. */
export function onCounters(state: KeeperState, device: number, peers: WgPeer[], now: number): void {
  state.down.delete(device);
  const byKey = new Map(peers.map((peer) => [peer.publicKey, peer]));
  let received = 0;
  for (const { number, publicKey } of state.config.peers) {
    const seen = byKey.get(publicKey);
    const link = linkOf(state, device, number);
    if (!seen || !link) continue;
    received += Math.max(0, seen.receivedBytes - (link.counters?.received ?? seen.receivedBytes));
    readCounters(state, link, seen, now);
    readEndpoint(state, link, seen.endpoint, now);
  }
  if (device === ownRelayDevice(state.config)) measureLoad(state, received, now);
}

/** Bytes per second, over about ten seconds. */
function measureLoad(state: KeeperState, received: number, now: number): void {
  const seconds = Math.max(0.05, (now - state.loadAt) / 1000);
  const share = Math.min(1, seconds / 10);
  state.load = state.load * (1 - share) + (received / seconds) * share;
  state.loadAt = now;
}

function readCounters(state: KeeperState, link: Link, seen: WgPeer, now: number): void {
  const before = link.counters;
  link.counters = {
    sent: seen.sentBytes,
    received: seen.receivedBytes,
    handshakeAt: seen.handshakeAt,
  };
  if (!before) {
    if (now - seen.handshakeAt < sessionMs && seen.endpoint) {
      sendProbe(state, link.device, link.number, now);
    }
    return;
  }
  const sent = seen.sentBytes - before.sent;
  const received = seen.receivedBytes - before.received;
  // A handshake is complete when both ends have answered each other.
  if (seen.handshakeAt > before.handshakeAt) revive(state, link, now);
  else if (received > 0) {
    link.life = heard(link.life, now);
    if (!link.life.alive) sendProbe(state, link.device, link.number, now);
  } else if (sent > keepaliveBytes) link.life = unanswered(link.life, now);
}

/** The link is proved; the first time a probe tells how long a round trip takes. */
export function revive(state: KeeperState, link: Link, now: number, rttMs?: number): void {
  const fresh = !link.life.alive;
  link.life = proved(link.life, now, rttMs);
  if (fresh && rttMs === undefined) sendProbe(state, link.device, link.number, now);
}

function readEndpoint(
  state: KeeperState,
  link: Link,
  endpoint: Endpoint | undefined,
  now: number,
): void {
  const key = linkKey(link.device, link.number);
  if (!endpoint) {
    delete link.endpoint;
    const known = state.restore.get(key);
    if (!known || !hasAllPeers(state.config, link.device)) return;
    state.restore.delete(key);
    const { device, number } = link;
    state.effects.push({ kind: 'point', device, number, endpoint: known });
    return;
  }
  link.endpoint = endpoint;
  state.restore.delete(key);
  if (link.device !== directDevice || sameEndpoint(state.seenAt.get(link.number), endpoint)) return;
  state.seenAt.set(link.number, endpoint);
  tellMoved(state, link.number, now);
}

/** A relay tells all when it sees a direct device elsewhere: direct paths to it may be found now. */
function tellMoved(state: KeeperState, number: number, now: number): void {
  const own = ownRelayDevice(state.config);
  if (own === undefined || isRelay(state.config, number)) return;
  if (now - (state.movedToldAt.get(number) ?? -Infinity) < movedPeriodMs) return;
  state.movedToldAt.set(number, now);
  for (const peer of state.config.peers) send(state, own, peer.number, { t: 'moved', number });
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}

/** The device's program has ended. Its links are dead until it is back; their endpoints are remembered. */
export function onDeviceLost(state: KeeperState, device: number, now: number): void {
  if (state.down.has(device)) return;
  state.down.add(device);
  for (const link of state.links.values()) {
    if (link.device !== device) continue;
    if (link.endpoint && (link.life.alive || ownRelayDevice(state.config) !== undefined)) {
      state.restore.set(linkKey(device, link.number), link.endpoint);
    }
    forgetDevice(state, link, now);
  }
}

function forgetDevice(state: KeeperState, link: Link, now: number): void {
  // Counters begin at zero again.
  link.counters = { sent: 0, received: 0, handshakeAt: 0 };
  link.life = lost(link.life, now);
  delete link.endpoint;
  if (link.recovery) link.recovery = { kicks: 0, nextAt: now + 600 };
  const peer = peerOf(state.config, link.number);
  if (link.device === directDevice && peer && state.pairs.has(link.number)) {
    // The restored endpoints bring most of them back by then.
    state.pairs.set(link.number, again(candidates(state, peer), now + 3000));
  }
}
