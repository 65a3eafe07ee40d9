import { directDevice, hasAllPeers } from './addresses.ts';
import {
  candidates,
  isAlive,
  linkOf,
  ownRelayDevice,
  peerOf,
  send,
  type KeeperState,
} from './keeper-state.ts';
import { heard, lost } from './liveness.ts';
import { askTouch, touched } from './meeting.ts';
import type { Message } from './messages.ts';
import { revive, sameEndpoint } from './on-counters.ts';
import { again, begin } from './rendezvous.ts';

/** A direct path that was heard so recently is not given up for another end's wish to meet. */
const freshMs = 1000;

/** What another container has said. WireGuard and the probe address say which one it was. */
export function onMessage(
  state: KeeperState,
  device: number,
  from: number,
  message: Message,
  now: number,
): void {
  const link = linkOf(state, device, from);
  if (link) link.life = heard(link.life, now);
  switch (message.t) {
    case 'probe':
      return answer(state, device, from, message, now);
    case 'ack':
      return onAck(state, device, from, message, now);
    case 'fell':
      return onFell(state, from, now);
    case 'links':
      state.peerLinks.set(from, { live: message.live, at: now });
      return;
    case 'absent':
      return onRelayNews(state, device, from, { absent: message.numbers });
    case 'meet':
      return askTouch(state, from, message.with, now);
    case 'touch':
      return send(state, directDevice, from, { t: 'touched' });
    case 'touched':
      return touched(state, device, from);
    case 'begin':
      return onBegin(state, device, from, message, now);
    case 'moved':
      return onMoved(state, message.number, now);
  }
}

function answer(
  state: KeeperState,
  device: number,
  to: number,
  probe: Extract<Message, { t: 'probe' }>,
  now: number,
): void {
  const { id, size } = probe;
  const own = device === ownRelayDevice(state.config);
  const news = own ? { load: Math.round(state.load), absent: absentNow(state, now) } : {};
  send(state, device, to, { t: 'ack', id, ...(size === undefined ? {} : { size }), ...news });
}

function onAck(
  state: KeeperState,
  device: number,
  from: number,
  ack: Extract<Message, { t: 'ack' }>,
  now: number,
): void {
  const asked = state.asked.get(ack.id);
  if (!asked || asked.device !== device || asked.number !== from) return;
  state.asked.delete(ack.id);
  const rttMs = now - asked.sentAt;
  const link = linkOf(state, device, from);
  if (link) {
    // A padded probe may have waited in a queue with its siblings.
    revive(
      state,
      link,
      now,
      asked.size === undefined || !link.life.rttMs ? rttMs : link.life.rttMs,
    );
    if (sameEndpoint(link.endpoint, state.config.relays[device - 1]?.endpoint)) {
      state.provedByUdp.set(device, asked.sentAt);
    }
  }
  const path = state.paths.get(from);
  if (path?.device === device) path.rttMs = link?.life.rttMs ?? rttMs;
  const run = state.measurements.get(from);
  if (asked.size !== undefined && run?.device === device) run.passed.push(asked.size);
  if (ack.absent) onRelayNews(state, device, from, { absent: ack.absent, load: ack.load ?? 0 });
}

function onRelayNews(
  state: KeeperState,
  device: number,
  from: number,
  news: { absent: number[]; load?: number },
): void {
  if (state.config.relays[device - 1]?.number !== from) return;
  const load = news.load ?? state.relayNews.get(device)?.load ?? 0;
  state.relayNews.set(device, { load, absent: new Set(news.absent) });
}

function onFell(state: KeeperState, from: number, now: number): void {
  const link = linkOf(state, directDevice, from);
  const peer = peerOf(state.config, from);
  if (!link?.life.alive || !peer) return;
  link.life = lost(link.life, now);
  if (state.pairs.has(from)) state.pairs.set(from, again(candidates(state, peer), now));
}

function onBegin(
  state: KeeperState,
  device: number,
  from: number,
  message: Extract<Message, { t: 'begin' }>,
  now: number,
): void {
  const pair = state.pairs.get(message.with);
  // Only a relay brings others together.
  if (!pair || state.config.relays[device - 1]?.number !== from) return;
  const link = linkOf(state, directDevice, message.with);
  if (link?.life.alive) {
    if (now - link.life.heardAt < freshMs) return;
    link.life = lost(link.life, now);
  }
  state.pairs.set(message.with, begin(pair, message.endpoint, message.inMs, now));
}

function onMoved(state: KeeperState, number: number, now: number): void {
  for (const [other, pair] of state.pairs) {
    if (number !== other && number !== state.config.self) continue;
    const peer = peerOf(state.config, other);
    if (pair.phase.kind === 'trying' || !peer) continue;
    if (isAlive(state, directDevice, other) || candidates(state, peer).length === 0) continue;
    // Not all at the same moment.
    state.pairs.set(other, again(candidates(state, peer), now + state.random() * 1000));
  }
}

/** Whom this relay does not hear. In the beginning it does not know. */
export function absentNow(state: KeeperState, now: number): number[] {
  const own = ownRelayDevice(state.config);
  if (own === undefined || !hasAllPeers(state.config, own)) return [];
  if (now - state.startedAt < 5000) return [];
  return state.config.peers
    .map((peer) => peer.number)
    .filter((number) => !isAlive(state, own, number));
}
