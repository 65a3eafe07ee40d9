import { recordCalls, runCase } from './matrix/play-case.ts';
import type { Answer, Order } from './orders.ts';
import { runSeed } from './seed.ts';

const linesOfFailure = 40;

export async function obey(order: Order): Promise<Answer> {
  switch (order.kind) {
    case 'seed': {
      const result = await runSeed(order.seed);
      return { order, ...result, lines: shorten(result, order.wantsLines) };
    }
    case 'calls': {
      const { calls, ...result } = await recordCalls(order.operation);
      return { order, ...result, lines: shorten(result, false), calls };
    }
    case 'case': {
      const result = await runCase(order.case);
      return { order, ...result, lines: shorten(result, order.wantsLines) };
    }
  }
}

/** What led to the first violation, unless all is wanted. */
function shorten(result: { lines: string[]; violations: string[] }, all: boolean): string[] {
  if (all) return result.lines;
  if (result.violations.length === 0) return [];
  const first = result.lines.findIndex((line) => line.includes('VIOLATION'));
  const end = first < 0 ? result.lines.length : first + 1;
  return result.lines.slice(Math.max(0, end - linesOfFailure), end);
}
