import { z } from 'zod';
import type { Ground } from './ground.ts';
import type { Path } from './kinds/kind.ts';

/** Of one transfer. */
export interface Measurement {
  mbitPerSecond: number;
  retransmits: number;
  rttMs: number;
}

const iperfSchema = z.object({
  end: z.object({
    sum_sent: z.object({ retransmits: z.number() }),
    sum_received: z.object({ bits_per_second: z.number() }),
  }),
});

/** Transfers wait for this server at each place that is transferred to. */
export function startServer(ground: Ground, place: Path['to']['place']): void {
  ground.start(place, ['iperf3', '-s', '--forceflush']);
}

/** Round-trip time on the quiet path, then a transfer by one TCP connection. */
export async function measure(
  ground: Ground,
  path: Path,
  transfer: { seconds: number; tcp: string },
  rttMs: number,
): Promise<Measurement> {
  const ping = await ping10(ground, path);
  // The connection finds its speed first: that takes some round trips.
  const warmUp = Math.ceil(1 + rttMs / 20);
  // prettier-ignore
  const argv: [string, ...string[]] = ['iperf3', '-c', path.to.address, '-B', path.from.address, '-C', transfer.tcp,
    '-t', String(transfer.seconds), '-O', String(warmUp), '-J', '--connect-timeout', '5000'];
  const timeoutMs = (transfer.seconds + warmUp + 20) * 1000;
  const { end } = iperfSchema.parse(
    JSON.parse(await ground.run(path.from.place, argv, { timeoutMs })),
  );
  return {
    mbitPerSecond: end.sum_received.bits_per_second / 1e6,
    retransmits: end.sum_sent.retransmits,
    rttMs: ping,
  };
}

/** Median, in milliseconds, of ten. */
async function ping10(ground: Ground, { from, to }: Path): Promise<number> {
  const argv = ['ping', '-c', '10', '-i', '0.1', '-I', from.address, to.address] as const;
  const times = [...(await ground.run(from.place, argv)).matchAll(/time=([\d.]+) ms/g)];
  return median(times.map((each) => Number(each[1])));
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
