/** A datagram in a stream: two bytes of length before it. */
export const maximumFrame = 2048;

export function encodeFrame(datagram: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + datagram.length);
  frame.writeUInt16BE(datagram.length, 0);
  frame.set(datagram, 2);
  return frame;
}

/**
 * Takes whole frames out of the stream; keeps the rest for the next chunk.
 *
 * @returns the reader; it answers `false` for what is no stream of ours, which is then to be closed.
 */
export function frameReader(onFrame: (datagram: Buffer) => void): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 2) {
      const length = rest.readUInt16BE(at);
      if (length === 0 || length > maximumFrame) return false;
      if (rest.length - at < 2 + length) break;
      onFrame(rest.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    // A copy: the chunk would be held by a few bytes of it.
    rest = at === rest.length ? Buffer.alloc(0) : Buffer.from(rest.subarray(at));
    return true;
  };
}
