import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createLocalShell } from '../../../src/transport/local-shell.ts';

/** Of all listeners. */
export const listenerPort = 8080;

/** Programs that tell whoever connects from which address that is. */
export interface Listeners {
  /** Until it listens. */
  start(namespace: string): Promise<void>;
  stop(): Promise<void>;
}

const server = `require('node:net')
  .createServer((socket) => socket.on('error', () => {}).end(socket.remoteAddress))
  .listen(${listenerPort}, '0.0.0.0', () => console.log('listens'))`;

export function createListeners(): Listeners {
  const running: ChildProcess[] = [];
  return {
    async start(namespace) {
      const argv = ['netns', 'exec', namespace, process.execPath, '-e', server];
      const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      running.push(child);
      await once(child.stdout, 'data');
    },
    async stop() {
      for (const child of running.splice(0)) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

const client = `const socket = require('node:net').connect(${listenerPort}, process.argv[1]);
  socket.on('data', (text) => process.stdout.write(text)).on('error', () => process.exit(1));
  setTimeout(() => process.exit(1), 2000).unref()`;

/** As whom the listener at an address sees somebody; nothing if it is not reached within two seconds. */
export async function seenAs(namespace: string, address: string): Promise<string> {
  const argv = ['ip', 'netns', 'exec', namespace, process.execPath, '-e', client, address] as const;
  return (await createLocalShell().run(argv)).stdout;
}
