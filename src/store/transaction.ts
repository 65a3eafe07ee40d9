import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** Serialization failure, deadlock, lock not had in time: the whole transaction can be run again. */
const transientStates = new Set(['40001', '40P01', '55P03']);
const attempts = 5;

/**
 * Runs `body` in a transaction, again if PostgreSQL asks for it. Inside a transaction already, it
 * is part of that one. A connection lost during the commit leaves the outcome unknown, so
 * whatever is done here must be safe to repeat.
 */
export async function inTransaction<T>(
  db: Database,
  body: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  if (db.isTransaction) return body(db as Transaction<Schema>);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(body);
    } catch (error) {
      if (attempt >= attempts || !isTransient(error)) throw error;
      await sleep(Math.random() * 50 * 2 ** attempt);
    }
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof DatabaseError && transientStates.has(error.code ?? '');
}

/** A broken constraint: its name, and the values that broke it as PostgreSQL prints them. */
export interface Violation {
  constraint: string;
  values: string[];
}

/** Reads integrity violations (SQLSTATE class 23); undefined for every other error. */
export function violationOf(error: unknown): Violation | undefined {
  if (!(error instanceof DatabaseError) || !error.code?.startsWith('23')) return undefined;
  const values = /=\((.*?)\)/.exec(error.detail ?? '')?.[1]?.split(', ') ?? [];
  return { constraint: error.constraint ?? '', values };
}
