import { readFile } from 'node:fs/promises';

/** Packets that each interface of this network namespace has passed, both ways. */
export async function readPacketCounters(): Promise<Map<string, number>> {
  return parsePacketCounters(await readFile('/proc/self/net/dev', 'utf8'));
}

export function parsePacketCounters(text: string): Map<string, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name = '', fields] = line.split(':');
      const numbers = fields?.trim().split(/\s+/).map(Number);
      return numbers ? [[name.trim(), (numbers[1] ?? 0) + (numbers[9] ?? 0)] as const] : [];
    }),
  );
}
