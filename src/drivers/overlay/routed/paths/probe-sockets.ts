import { createSocket, type Socket } from 'node:dgram';
import { pathsPort as port } from '../names.ts';
import { normalAddress, probeAddress } from './addresses.ts';
import type { PathsConfig } from './config.ts';
import { decodeMessage, encodeMessage, type Message } from './messages.ts';

/** The sockets on which containers talk to each other: one per device, on its probe address. */
export interface ProbeSockets {
  /** Binds those that are not bound; a device that is missing is tried again at the next call. */
  ensure(config: PathsConfig): Promise<void>;
  send(device: number, to: number, message: Message): void;
  close(): void;
}

export function createProbeSockets(
  onMessage: (device: number, from: number, message: Message) => void,
): ProbeSockets {
  const sockets = new Map<number, { address: string; socket: Socket }>();
  let config: PathsConfig | undefined;
  let senders = new Map<string, number>();

  function receive(device: number, datagram: Buffer, address: string, fromPort: number): void {
    const from = senders.get(`${device} ${normalAddress(address.replace(/%.*/, ''))}`);
    const message = from === undefined || fromPort !== port ? undefined : decodeMessage(datagram);
    if (from !== undefined && message) onMessage(device, from, message);
  }

  async function ensureOne(device: number, address: string): Promise<void> {
    const before = sockets.get(device);
    if (before?.address === address) return;
    before?.socket.close();
    sockets.delete(device);
    const socket = await bind(address);
    socket?.on('message', (datagram, { address, port }) =>
      receive(device, datagram, address, port),
    );
    if (socket) sockets.set(device, { address, socket });
  }

  return {
    async ensure(next) {
      if (config !== next) {
        config = next;
        senders = sendersOf(next);
      }
      for (let device = 0; device <= next.relays.length; device += 1) {
        await ensureOne(device, probeAddress(next, device, next.self));
      }
      for (const [device, { socket }] of sockets) {
        if (device <= next.relays.length) continue;
        socket.close();
        sockets.delete(device);
      }
    },
    send(device, to, message) {
      if (!config) return;
      // What cannot be sent is as good as lost: the one who waits for an answer notices.
      sockets
        .get(device)
        ?.socket.send(
          encodeMessage(message),
          port,
          probeAddress(config, device, to),
          () => undefined,
        );
    },
    close() {
      for (const { socket } of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

function sendersOf(config: PathsConfig): Map<string, number> {
  const devices = [0, ...config.relays.map((_, index) => index + 1)];
  return new Map(
    devices.flatMap((device) =>
      config.peers.map(
        ({ number }) => [`${device} ${probeAddress(config, device, number)}`, number] as const,
      ),
    ),
  );
}

/** Nothing if the address is not there (yet). */
function bind(address: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp6', recvBufferSize: 1024 ** 2 });
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
