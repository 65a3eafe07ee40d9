import { createConnection, type Socket } from 'node:net';
import { Failure } from '../../../../domain/failure.ts';

const answerMs = 3000;
const maximumBytes = 8 * 1024 ** 2;

/** A connection to a userspace WireGuard; questions are answered in their order. */
export interface UapiConnection {
  /** @throws {Failure} Timeout, CommandFailed. */
  ask(question: string): Promise<string>;
  close(): void;
}

/**
 * Connects to the control socket of a device. It ends with the program, so that its end is known at once.
 *
 * @throws {Failure} CommandFailed if nobody listens there.
 */
export function connectUapi(path: string, onClose: () => void): Promise<UapiConnection> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const early = (error: Error) =>
      reject(new Failure('CommandFailed', `${path}: ${error.message}`));
    socket.once('error', early);
    socket.once('connect', () => {
      socket.off('error', early);
      resolve(talkTo(socket, path, onClose));
    });
  });
}

function talkTo(socket: Socket, path: string, onClose: () => void): UapiConnection {
  let waiting: ((answer: string | undefined) => void) | undefined;
  let chunks: Buffer[] = [];
  let size = 0;
  let last: Promise<unknown> = Promise.resolve();
  socket.on('error', () => undefined);
  socket.on('close', () => {
    waiting?.(undefined);
    onClose();
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maximumBytes) socket.destroy();
    if (!Buffer.concat(chunks.slice(-2)).subarray(-2).equals(Buffer.from('\n\n'))) return;
    const answer = Buffer.concat(chunks).toString();
    chunks = [];
    size = 0;
    waiting?.(answer);
  });

  const askNow = (question: string) =>
    new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(), answerMs);
      waiting = (answer) => {
        clearTimeout(timer);
        waiting = undefined;
        if (answer?.endsWith('errno=0\n\n')) resolve(answer);
        else
          reject(new Failure('CommandFailed', `${path} answered ${answer?.trim() ?? 'nothing'}`));
      };
      if (socket.destroyed) waiting(undefined);
      else socket.write(question);
    });

  return {
    ask(question) {
      const answer = last.then(() => askNow(question));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: () => socket.destroy(),
  };
}
