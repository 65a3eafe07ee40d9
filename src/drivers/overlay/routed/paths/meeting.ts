import { directDevice } from './addresses.ts';
import type { Endpoint, PathsConfig } from './config.ts';
import {
  isRelay,
  linkOf,
  ownRelayDevice,
  peerOf,
  send,
  type KeeperState,
  type Meeting,
} from './keeper-state.ts';

/** An end that does not speak on its direct device in this time is taken to be where it was seen last. */
const touchMs = 600;
/** The second end begins later: handshakes that cross each other are answered by none. */
const secondMs = 250;

/** A relay is asked to bring two together. First both say something, so that it sees where they are now. */
export function askTouch(state: KeeperState, asker: number, other: number, now: number): void {
  const own = ownRelayDevice(state.config);
  const key = [asker, other].toSorted((a, b) => a - b).join('-');
  if (own === undefined || state.meetings.has(key) || asker === other) return;
  if (!peerOf(state.config, other) || isRelay(state.config, other)) return;
  state.meetings.set(key, { asker, other, at: now, touched: new Set() });
  for (const number of [asker, other]) send(state, own, number, { t: 'touch' });
}

export function touched(state: KeeperState, device: number, from: number): void {
  if (device !== directDevice) return;
  for (const meeting of state.meetings.values()) {
    if (meeting.asker === from || meeting.other === from) meeting.touched.add(from);
  }
}

/** Called after the direct device has been looked at: it has seen what was touched before. */
export function tickMeetings(state: KeeperState, now: number): void {
  for (const [key, meeting] of state.meetings) {
    if (meeting.touched.size < 2 && now - meeting.at < touchMs) continue;
    state.meetings.delete(key);
    bringTogether(state, meeting);
  }
}

function bringTogether(state: KeeperState, { asker, other }: Meeting): void {
  const own = ownRelayDevice(state.config);
  const endpoints = { asker: seenFrom(state, asker, other), other: seenFrom(state, other, asker) };
  if (own === undefined || !endpoints.asker || !endpoints.other) return;
  send(state, own, asker, { t: 'begin', with: other, endpoint: endpoints.other, inMs: 0 });
  send(state, own, other, { t: 'begin', with: asker, endpoint: endpoints.asker, inMs: secondMs });
}

/**
 * Where one is seen by the other, as far as this relay can tell. One at the relay's own site is seen here by its
 * address on the LAN; from elsewhere it is behind the site's public address, most likely with the same port.
 */
function seenFrom(state: KeeperState, number: number, other: number): Endpoint | undefined {
  const endpoint = linkOf(state, directDevice, number)?.endpoint;
  const { config } = state;
  const peer = peerOf(config, number);
  if (!endpoint || !peer?.lanEndpoint || peerOf(config, other)?.lanEndpoint) return endpoint;
  const address = publicAddress(config);
  return address === undefined ? endpoint : { address, port: endpoint.port };
}

function publicAddress(config: PathsConfig): string | undefined {
  return config.relays.find((relay) => relay.number === config.self)?.endpoint.address;
}
