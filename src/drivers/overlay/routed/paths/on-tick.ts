import { directDevice, hasAllPeers, relayOf } from './addresses.ts';
import { stepCarrier } from './carrier.ts';
import { chooseRelay } from './choose-relay.ts';
import {
  candidates,
  isAlive,
  isRelay,
  linkOf,
  ownRelayDevice,
  peerOf,
  send,
  sendByRelay,
  sendProbe,
  type KeeperState,
  type Link,
} from './keeper-state.ts';
import { idleMs, tick } from './liveness.ts';
import { tickMeetings } from './meeting.ts';
import { absentNow } from './on-message.ts';
import { choosePaths, measureAnew, reaches } from './paths-of.ts';
import { newRecovery, tickRecovery } from './recovery.ts';
import { again, tickPair, up } from './rendezvous.ts';

const answerMs = 5000;
const spreadMs = 5000;
const firstLookMs = 1500;

/** What time alone brings about. Called after the devices have been looked at. */
export function onTick(state: KeeperState, now: number): void {
  for (const link of state.links.values()) tickLink(state, link, now);
  for (const device of state.carriers.keys()) tickCarrier(state, device, now);
  tellLinks(state);
  tellAbsent(state, now);
  tickMeetings(state, now);
  // In the beginning not the first that answers is taken: they would all have the same one.
  const before = now - state.startedAt < spreadMs ? undefined : state.relay;
  state.relay = chooseRelay(relayViews(state), before, state.config.self, now);
  choosePaths(state, now);
  for (const number of state.pairs.keys()) tickRendezvous(state, number, now);
  for (const [id, asked] of state.asked) if (now - asked.sentAt > answerMs) state.asked.delete(id);
}

function tickLink(state: KeeperState, link: Link, now: number): void {
  if (state.down.has(link.device)) return;
  const before = link.life;
  const { link: life, probe } = tick(before, now, idleOf(state, link));
  link.life = life;
  if (probe || (!life.alive && mayBeAlive(state, link, now))) {
    sendProbe(state, link.device, link.number, now);
  }
  if (before.alive && !life.alive) onDead(state, link, now);
  if (!link.recovery) return;
  if (life.alive) link.recovery = newRecovery(now, 0);
  else recover(state, link, now);
}

/** A link with a relay is one on whichever device. */
function idleOf(state: KeeperState, { device, number }: Link): number {
  const direct = device === directDevice && !isRelay(state.config, number);
  return direct ? idleMs.direct : idleMs.relay;
}

/** What was alive before this program was started is not to be disturbed: it is asked first. */
function mayBeAlive(state: KeeperState, link: Link | undefined, now: number): boolean {
  return now - state.startedAt < firstLookMs && link?.endpoint !== undefined;
}

/** The other end may have heard us all the time: it is told, and both try anew. */
function onDead(state: KeeperState, link: Link, now: number): void {
  const peer = peerOf(state.config, link.number);
  if (link.device !== directDevice || !peer || !state.pairs.has(link.number)) return;
  sendByRelay(state, link.number, { t: 'fell' });
  state.pairs.set(link.number, again(candidates(state, peer), now));
}

function recover(state: KeeperState, link: Link, now: number): void {
  if (!link.recovery || mayBeAlive(state, link, now)) return;
  const { recovery, kick } = tickRecovery(link.recovery, now, state.random());
  link.recovery = recovery;
  if (!kick) return;
  const { device, number } = link;
  if (device !== directDevice) state.effects.push({ kind: 'kick', device, number });
  const peer = peerOf(state.config, number);
  // Not every gateway leads its own LAN to itself by the public address.
  const endpoint = peer?.lanEndpoint ?? peer?.publicEndpoint;
  if (device === directDevice && endpoint) {
    state.effects.push({ kind: 'kick', device, number, endpoint });
  }
}

function tickCarrier(state: KeeperState, device: number, now: number): void {
  const before = state.carriers.get(device);
  const relay = state.config.relays[device - 1];
  const link = relay && linkOf(state, device, relay.number);
  if (!before || !link || relay.tcpPort === undefined || state.down.has(device)) return;
  const known = peerOf(state.config, relay.number)?.publicEndpoint !== undefined;
  const facts = {
    alive: link.life.alive,
    deadSince: link.life.deadSince,
    udpWorks: !known || isAlive(state, directDevice, relay.number),
    provedByUdpAt: state.provedByUdp.get(device) ?? -Infinity,
  };
  const after = stepCarrier(before, facts, now);
  state.carriers.set(device, after);
  if (after.by !== before.by) {
    state.effects.push({ kind: 'carry', device, by: after.by });
    measureAnew(state, device, now);
  }
  if (after.by !== 'trial') return;
  // What still comes by TCP turns WireGuard back to it.
  const { endpoint, number } = relay;
  state.effects.push({ kind: 'point', device, number, endpoint });
  sendProbe(state, device, number, now);
}

/** Tells all when the set of relays that this container reaches has changed. */
function tellLinks(state: KeeperState): void {
  const devices = state.config.relays.map((_, index) => index + 1);
  const live = devices.filter(
    (device) =>
      relayOf(state.config, device) === state.config.self ||
      isAlive(state, device, relayOf(state.config, device) ?? 0),
  );
  const text = live.join();
  if (text === state.lastLinks) return;
  state.lastLinks = text;
  for (const peer of state.config.peers) sendByRelay(state, peer.number, { t: 'links', live });
}

function tellAbsent(state: KeeperState, now: number): void {
  const own = ownRelayDevice(state.config);
  if (own === undefined) return;
  const numbers = absentNow(state, now);
  const text = numbers.join();
  if (text === state.lastAbsent) return;
  state.lastAbsent = text;
  for (const peer of state.config.peers) {
    if (isAlive(state, own, peer.number)) send(state, own, peer.number, { t: 'absent', numbers });
  }
}

function relayViews(state: KeeperState) {
  return state.config.relays.map((relay, index) => {
    const device = index + 1;
    const own = hasAllPeers(state.config, device);
    return {
      device,
      alive: own || isAlive(state, device, relay.number),
      load: own ? state.load : (state.relayNews.get(device)?.load ?? 0),
    };
  });
}

function tickRendezvous(state: KeeperState, number: number, now: number): void {
  const before = state.pairs.get(number);
  const peer = peerOf(state.config, number);
  if (!before || !peer || state.down.has(directDevice)) return;
  if (isAlive(state, directDevice, number)) {
    if (before.phase.kind !== 'up') state.pairs.set(number, up());
    return;
  }
  if (before.phase.kind === 'up') {
    state.pairs.set(number, again(candidates(state, peer), now));
    return;
  }
  if (mayBeAlive(state, linkOf(state, directDevice, number), now)) return;
  const relays = goBetweens(state, number, now);
  const next = candidates(state, peer)[before.next];
  if (before.phase.kind === 'waiting' && next?.kind === 'seen' && relays.length === 0) return;
  const { pair, action } = tickPair(before, candidates(state, peer), now);
  state.pairs.set(number, pair);
  if (action?.kind === 'ask') {
    // Another relay sees another side of a NAT: they take turns.
    const device = relays[pair.failures % relays.length];
    const relay = device === undefined ? undefined : relayOf(state.config, device);
    if (device !== undefined && relay !== undefined) {
      send(state, device, relay, { t: 'meet', with: number });
    }
  } else if (action) state.effects.push({ device: directDevice, number, ...action });
}

/** Devices of the relays that can bring us together: they hear both, and see our direct device. */
function goBetweens(state: KeeperState, number: number, now: number): number[] {
  return state.config.relays.flatMap((relay, index) => {
    const device = index + 1;
    const seen =
      isAlive(state, directDevice, relay.number) ||
      peerOf(state.config, relay.number)?.publicEndpoint === undefined;
    const hears = isAlive(state, device, relay.number) && reaches(state, device, number, now);
    return seen && hears ? [device] : [];
  });
}
