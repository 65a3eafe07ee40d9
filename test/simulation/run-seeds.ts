import type { Answer, Order } from './orders.ts';
import { Pool } from './pool.ts';

export interface SeedsOptions {
  first: number;
  count: number;
  jobs: number;
  /** Prints all that happens. */
  wantsLines: boolean;
  /** Plays each seed twice: a seed that differs is a violation, since its replay would be none. */
  twice: boolean;
  mutation?: string;
  failed: (answer: Answer) => void;
}

const progressEveryMs = 2_000;
/** So many failing seeds say enough. */
const failuresAtMost = 20;

/** @returns the exit code. */
export async function runSeeds(options: SeedsOptions): Promise<number> {
  const began = performance.now();
  const totals: Record<string, number> = {};
  const failing = new Set<number>();
  const digests = new Map<number, string>();
  let played = 0;
  const line = () => {
    const seconds = (performance.now() - began) / 1000;
    return `${played} seeds, ${(played / seconds).toFixed(1)} per second, ${failing.size} failing`;
  };
  const progress = setInterval(() => console.log(line()), progressEveryMs);
  const pool = new Pool();
  try {
    await pool.play(
      ordersOf(options),
      (answer) => {
        if (answer.order.kind !== 'seed') return true;
        const { seed } = answer.order;
        const before = digests.get(seed);
        if (options.twice && before === undefined) digests.set(seed, answer.digest);
        if (before !== undefined && before !== answer.digest) {
          answer.violations.push(`played again it differs: ${before} became ${answer.digest}`);
        }
        if (before === undefined) {
          played += 1;
          for (const [what, count] of Object.entries(answer.counts)) {
            totals[what] = (totals[what] ?? 0) + count;
          }
          if (options.wantsLines) console.log(answer.lines.join('\n'));
        }
        if (answer.violations.length > 0 && !failing.has(seed)) {
          failing.add(seed);
          options.failed(answer);
        }
        return failing.size < failuresAtMost;
      },
      options,
    );
  } finally {
    clearInterval(progress);
    pool.end();
  }
  const done = Object.entries(totals).sort(([a], [b]) => (a < b ? -1 : 1));
  console.log(done.map(([what, count]) => `${what}: ${count}`).join(', '));
  console.log(`${line()}${failing.size > 0 ? `: ${[...failing].join(', ')}` : ''}`);
  return failing.size > 0 ? 1 : 0;
}

function* ordersOf({ first, count, twice, wantsLines }: SeedsOptions): Generator<Order> {
  for (let seed = first; seed < first + count; seed += 1) {
    yield { kind: 'seed', seed, wantsLines };
    if (twice) yield { kind: 'seed', seed, wantsLines: false };
  }
}

export function reportFailure({ order, violations, lines }: Answer): void {
  const seed = order.kind === 'seed' ? order.seed : 0;
  console.log(`\nseed ${seed} fails; \`npm run sim -- --seed ${seed}\` plays it again:`);
  for (const violation of violations.slice(0, 5)) console.log(`  ${violation}`);
  if (lines.length > 0) console.log(`what came before:\n${lines.join('\n')}\n`);
}
