import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabVm } from './lab-vm.ts';

/** Large packets from VM to VM, each as soon as the one before was answered, until the program is ended. */
export async function startFlood(
  from: Pick<LabVm, 'namespace' | 'address'>,
  to: Pick<LabVm, 'address'>,
): Promise<ChildProcess> {
  const argv = ['netns', 'exec', from.namespace, 'ping', '-f', '-q', '-s', '1300', '-I'];
  const child = spawn('ip', [...argv, from.address, to.address], { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}

/** Pings from VM to VM in the background, at a steady pace. */
export function startPings(
  from: Pick<LabVm, 'namespace' | 'address'>,
  to: Pick<LabVm, 'address'>,
  intervalSeconds: number,
) {
  const argv = ['netns', 'exec', from.namespace, 'ping', '-D', '-n', '-i', String(intervalSeconds)];
  const child = spawn('ip', [...argv, '-I', from.address, to.address], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const began = Date.now() / 1000;
  return {
    /** How many were sent and answered, and the longest time without an answer, in seconds. */
    async stop() {
      await sleep(500);
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
      const replies = [...text.matchAll(/^\[([\d.]+)\].*icmp_seq=(\d+)/gm)];
      const times = replies.map((reply) => Number(reply[1]));
      const numbers = new Set(replies.map((reply) => Number(reply[2])));
      const all = [began, ...times, Date.now() / 1000];
      const gaps = all.slice(1).map((time, index) => time - (all[index] ?? time));
      return {
        // Those after the last answer are still under way.
        sent: Math.max(...numbers),
        received: numbers.size,
        lost: Array.from({ length: Math.max(...numbers) }, (_, index) => index + 1).filter(
          (number) => !numbers.has(number),
        ),
        longestGap: Math.max(...gaps),
      };
    },
  };
}
