import type { Socket } from 'node:net';
import { encodeFrame, frameReader, maximumFrame } from './frames.ts';

/** More than this unsent is dropped, as a full link would: a queue would only make all of it late. */
const maximumQueue = 256 * 1024;
/** WireGuard's keepalive comes every 5 s. */
const idleMs = 60_000;

/** Sends and receives datagrams over a TCP connection. @returns how to send one. */
export function overTcp(
  socket: Socket,
  onDatagram: (datagram: Buffer) => void,
): (datagram: Uint8Array) => void {
  const read = frameReader(onDatagram);
  socket.setNoDelay(true);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (!read(chunk)) socket.destroy();
  });
  return (datagram) => {
    if (datagram.length > maximumFrame || socket.destroyed) return;
    // What is sent while it connects waits: the first word of a handshake is among it.
    if (socket.writableLength > maximumQueue) return;
    socket.write(encodeFrame(datagram));
  };
}
