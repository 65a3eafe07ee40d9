import type { Answer, Order } from '../orders.ts';
import { Pool } from '../pool.ts';
import { matrixFaults, type MatrixCall, type MatrixCase } from './cases.ts';

export interface MatrixOptions {
  jobs: number;
  /** Of how many cases one is played; 1: all. */
  every: number;
  operations: readonly string[];
}

/** @returns the exit code. */
export async function runMatrix(options: MatrixOptions): Promise<number> {
  const calls: MatrixCall[] = [];
  const results: Answer[] = [];
  const failures: Answer[] = [];
  await playAll(
    options.operations.map((operation) => ({ kind: 'calls' as const, operation })),
    options.jobs,
    (answer) => {
      calls.push(...(answer.calls ?? []));
      if (answer.violations.length > 0) failures.push(answer);
    },
  );
  const cases = calls.flatMap((call) => matrixFaults.map((fault) => ({ call, fault })));
  const chosen = cases.filter((_, index) => index % options.every === 0);
  await playAll(
    chosen.map((one) => ({ kind: 'case' as const, case: one, wantsLines: false })),
    options.jobs,
    (answer) => {
      results.push(answer);
      if (answer.violations.length > 0) failures.push(answer);
    },
  );
  printTable(results);
  for (const failure of failures) printFailure(failure);
  console.log(
    `${results.length} of ${cases.length} cases, ${calls.length} calls, ${failures.length} failing`,
  );
  return failures.length > 0 || results.length === 0 ? 1 : 0;
}

async function playAll(
  orders: Order[],
  jobs: number,
  heard: (answer: Answer) => void,
): Promise<void> {
  const pool = new Pool();
  try {
    const hear = (answer: Answer) => {
      heard(answer);
      return true;
    };
    await pool.play(orders, hear, { jobs });
  } finally {
    pool.end();
  }
}

/** A row per call of an operation, a column per fault: right ends of all, and how many had to be helped. */
function printTable(results: Answer[]): void {
  const rows = new Map<string, Map<string, Answer[]>>();
  for (const result of results) {
    const one = caseOf(result);
    const row = `${one.call.operation}: ${one.call.activity}`;
    const cells = rows.get(row) ?? new Map<string, Answer[]>();
    rows.set(row, cells);
    cells.set(one.fault, [...(cells.get(one.fault) ?? []), result]);
  }
  const width = Math.max(...[...rows.keys()].map((row) => row.length), 0);
  console.log(`${'p parked, r refused'.padEnd(width)}  ${matrixFaults.join(' | ')}`);
  for (const row of [...rows.keys()].sort()) {
    const cells = matrixFaults.map((fault) =>
      cellOf(rows.get(row)?.get(fault) ?? []).padEnd(fault.length),
    );
    console.log(`${row.padEnd(width)}  ${cells.join(' | ')}`);
  }
}

function cellOf(results: Answer[]): string {
  if (results.length === 0) return '-';
  const right = results.filter((result) => result.violations.length === 0).length;
  const parked = results.filter((result) => result.counts['parked']).length;
  const refused = results.filter((result) => result.counts['refused']).length;
  const helped = `${parked > 0 ? ` ${parked}p` : ''}${refused > 0 ? ` ${refused}r` : ''}`;
  return `${right}/${results.length}${helped}`;
}

function caseOf({ order }: Answer): MatrixCase {
  if (order.kind !== 'case') throw new Error('this is no case');
  return order.case;
}

function printFailure({ order, violations, lines }: Answer): void {
  const what =
    order.kind === 'case'
      ? `${order.case.call.operation}: ${order.case.call.workflowType} ${order.case.call.activity} (${order.case.call.occurrence}) ${order.case.fault}`
      : JSON.stringify(order);
  console.log(`\n${what}:`);
  for (const violation of violations.slice(0, 5)) console.log(`  ${violation}`);
  if (lines.length > 0) console.log(lines.join('\n'));
}
