import { mutations } from './mutations.ts';
import type { Answer, Order } from './orders.ts';
import { Pool } from './pool.ts';

export interface MutationsOptions {
  jobs: number;
  /** A bug that so many seeds do not find is not found. */
  seedsAtMost: number;
}

/** Plants each bug and plays seeds until it is found. @returns the exit code. */
export async function runMutations(options: MutationsOptions): Promise<number> {
  const names = Object.keys(mutations);
  let missed = 0;
  for (const name of names) {
    const found = await find(name, options);
    const alone = found && (await violationsWithout(seedOf(found)));
    const isFound = alone?.length === 0;
    if (!isFound) missed += 1;
    console.log(`${name}: ${mutations[name]?.what ?? ''}`);
    if (found) console.log(`  seed ${seedOf(found)}: ${found.violations[0]?.split('\n')[0]}`);
    if (!found) console.log(`  NOT FOUND in ${options.seedsAtMost} seeds`);
    else if (!isFound) console.log(`  NOT PROVED: without the bug that seed fails, too`);
  }
  console.log(`${names.length - missed} of ${names.length} planted bugs were found`);
  return missed > 0 ? 1 : 0;
}

async function find(
  mutation: string,
  { jobs, seedsAtMost }: MutationsOptions,
): Promise<Answer | undefined> {
  const pool = new Pool();
  let found: Answer | undefined;
  try {
    await pool.play(
      seeds(seedsAtMost),
      (answer) => {
        if (answer.violations.length > 0) found ??= answer;
        return found === undefined;
      },
      { jobs, mutation },
    );
  } finally {
    pool.end();
  }
  return found;
}

async function violationsWithout(seed: number): Promise<string[]> {
  const pool = new Pool();
  const violations: string[] = [];
  const hear = (answer: Answer) => {
    violations.push(...answer.violations);
    return true;
  };
  try {
    await pool.play([{ kind: 'seed', seed, wantsLines: false }], hear, { jobs: 1 });
  } finally {
    pool.end();
  }
  return violations;
}

function* seeds(count: number): Generator<Order> {
  for (let seed = 1; seed <= count; seed += 1) yield { kind: 'seed', seed, wantsLines: false };
}

function seedOf({ order }: Answer): number {
  return order.kind === 'seed' ? order.seed : 0;
}
