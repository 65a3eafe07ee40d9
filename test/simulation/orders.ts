import type { MatrixCase } from './matrix/cases.ts';

/** From the runner to a child. */
export type Order =
  | { kind: 'seed'; seed: number; wantsLines: boolean }
  | { kind: 'calls'; operation: string }
  | { kind: 'case'; case: MatrixCase; wantsLines: boolean };

/** From a child to the runner. */
export interface Answer {
  order: Order;
  violations: string[];
  /** Of all that happened; the same for the same order. */
  digest: string;
  counts: Record<string, number>;
  /** All that happened if it was asked for, otherwise the end of it if something was violated. */
  lines: string[];
  /** Of an operation: what it calls, for the matrix. */
  calls?: MatrixCase['call'][];
}
