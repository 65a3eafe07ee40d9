import type { Server } from 'node:net';
import { allowedAddresses, hasAllPeers } from './addresses.ts';
import type { Endpoint } from './config.ts';
import type { Devices } from './devices.ts';
import type { KeeperFiles } from './files.ts';
import {
  isAlive,
  isRelay,
  ownRelayDevice,
  peerOf,
  type Effect,
  type KeeperState,
} from './keeper-state.ts';
import type { ProbeSockets } from './probe-sockets.ts';
import { openTcpCarrier, type TcpCarrier } from './tcp-carrier.ts';
import { listenForCarriers } from './tcp-listener.ts';

export interface Performer {
  /** Does what the decisions have asked for since the last call. Does not wait for it. */
  perform(): void;
  /** After a new table. */
  adopt(): void;
}

/** Links with relays keep their NAT open; direct ones are probed often enough. */
const keepalive = { relay: 5, direct: 25 };

export function createPerformer(parts: {
  state: KeeperState;
  files: KeeperFiles;
  sockets: ProbeSockets;
  devices: Devices;
  complain: (text: string) => void;
}): Performer {
  const { state, files, sockets, devices, complain } = parts;
  const carriers = new Map<number, TcpCarrier>();
  let listener: { port: number; server: Server } | undefined;
  // One after the other: two changes to one peer must not overtake each other.
  let last: Promise<void> = Promise.resolve();

  async function change(
    effect: Extract<Effect, { kind: 'kick' | 'point' | 'forget' }>,
    endpoint: Endpoint | undefined,
  ): Promise<void> {
    const { device, number } = effect;
    const peer = peerOf(state.config, number);
    const wg = devices.device(device);
    if (!peer || !wg || state.down.has(device)) return;
    const known = wg.last?.peers.find((each) => each.publicKey === peer.publicKey);
    const psk = await files.readPsk(number);
    const allowed = known?.allowed ?? [];
    const renew = {
      allowed: allowed.length > 0 ? allowed : allowedAddresses(state.config, device, number),
      // Not as the device had it when it was looked at last: it may just have been made, without any peer.
      presharedKey: psk ?? known?.presharedKey,
    };
    const toRelay = isRelay(state.config, number) && !hasAllPeers(state.config, device);
    const near = toRelay || (device === 0 && isRelay(state.config, number));
    const seconds = near ? keepalive.relay : keepalive.direct;
    await wg.change(
      {
        publicKey: peer.publicKey,
        ...(effect.kind === 'point' ? {} : { renew }),
        ...(endpoint ? { endpoint } : {}),
        keepaliveSeconds: effect.kind === 'forget' ? 0 : seconds,
      },
      psk === undefined ? undefined : files.pskFile(number),
    );
  }

  async function carry(device: number, by: 'udp' | 'tcp' | 'trial'): Promise<void> {
    const relay = state.config.relays[device - 1];
    if (!relay || by === 'trial') return;
    if (by === 'udp') {
      carriers.get(device)?.close();
      carriers.delete(device);
      await change(
        { kind: 'point', device, number: relay.number, endpoint: relay.endpoint },
        relay.endpoint,
      );
    } else {
      const to = { address: relay.endpoint.address, port: relay.tcpPort ?? 0 };
      if (!carriers.has(device)) carriers.set(device, await openTcpCarrier(to));
      await change({ kind: 'kick', device, number: relay.number }, carriers.get(device)?.endpoint);
    }
    complain(`the link with relay ${relay.number} is carried by ${by}`);
  }

  async function act(effect: Exclude<Effect, { kind: 'send' }>): Promise<void> {
    // It may have come up while this waited for its turn: then it is not to be disturbed.
    const renews = effect.kind === 'kick' || effect.kind === 'forget';
    if (renews && isAlive(state, effect.device, effect.number)) return;
    switch (effect.kind) {
      case 'kick': {
        const relay = state.config.relays[effect.device - 1];
        const own = carriers.get(effect.device)?.endpoint ?? relay?.endpoint;
        return change(effect, effect.endpoint ?? own);
      }
      case 'point':
        return change(effect, effect.endpoint);
      case 'forget':
        return change(effect, undefined);
      case 'carry':
        return carry(effect.device, effect.by);
    }
  }

  function adopt(): void {
    const own = ownRelayDevice(state.config);
    const port = own === undefined ? undefined : state.config.relays[own - 1]?.tcpPort;
    if (listener?.port === port) return;
    listener?.server.close();
    listener = undefined;
    if (own === undefined || port === undefined) return;
    const devicePort = () => devices.device(own)?.last?.listenPort;
    const server = listenForCarriers(port, devicePort, (error) => {
      complain(`TCP port ${port}: ${error.message}`);
      listener = undefined;
    });
    listener = { port, server };
  }

  return {
    perform() {
      for (const effect of state.effects.splice(0)) {
        if (effect.kind === 'send') sockets.send(effect.device, effect.to, effect.message);
        else {
          last = last.then(() => act(effect)).catch((error: Error) => complain(error.message));
        }
      }
    },
    adopt,
  };
}
