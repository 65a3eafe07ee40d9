import type { Transaction } from 'kysely';
import type { Database } from '../../../src/store/database.ts';
import type { Schema } from '../../../src/store/schema.ts';
import type { Violation } from '../../../src/store/transaction.ts';
import { Broken, transaction } from './tables.ts';

export async function inTransaction<T>(
  db: Database,
  body: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return transaction(db, 'transaction', (tx) => body(tx as Transaction<Schema>));
}

export function violationOf(error: unknown): Violation | undefined {
  if (!(error instanceof Broken)) return undefined;
  return { constraint: error.constraint, values: error.values };
}
