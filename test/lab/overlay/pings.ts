import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from './wg-world.ts';

/** Pings from VM to VM in the background, at a steady pace. */
export function startPings(from: Node, to: Node, intervalSeconds: number) {
  const argv = ['netns', 'exec', from.namespace, 'ping', '-D', '-n', '-i', String(intervalSeconds)];
  const child = spawn('ip', [...argv, '-I', from.address, to.address], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const began = Date.now() / 1000;
  return {
    /** The numbers that were sent and answered, and the longest time without an answer, in seconds. */
    async stop() {
      await sleep(500);
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
      const times = [...text.matchAll(/^\[([\d.]+)\].*icmp_seq/gm)].map((match) =>
        Number(match[1]),
      );
      const summary = /(\d+) packets transmitted, (\d+)/.exec(text);
      const all = [began, ...times, Date.now() / 1000];
      const gaps = all.slice(1).map((time, index) => time - (all[index] ?? time));
      return {
        sent: Number(summary?.[1]),
        received: Number(summary?.[2]),
        longestGap: Math.max(...gaps),
      };
    },
  };
}
