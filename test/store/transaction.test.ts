import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { inTransaction, violationOf } from '../../src/store/transaction.ts';

function databaseError(code: string, fields: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError('refused', 0, 'error'), { code, ...fields });
}

/** A database of which only the beginning of transactions is asked. */
function databaseThatFails(errors: Error[]): { db: Database; runs: () => number } {
  let runs = 0;
  const execute = async (body: (tx: unknown) => Promise<unknown>) => {
    runs += 1;
    const error = errors.shift();
    if (error) throw error;
    return body({});
  };
  const db = { isTransaction: false, transaction: () => ({ execute }) };
  return { db: db as unknown as Database, runs: () => runs };
}

describe('a transaction', () => {
  test.each(['40001', '40P01', '55P03'])('is run again after %s', async (code) => {
    const { db, runs } = databaseThatFails([databaseError(code), databaseError(code)]);
    expect(await inTransaction(db, async () => 'done')).toBe('done');
    expect(runs()).toBe(3);
  });

  test('is given up after five attempts', async () => {
    const { db, runs } = databaseThatFails(Array.from({ length: 9 }, () => databaseError('40P01')));
    await expect(inTransaction(db, async () => 'done')).rejects.toMatchObject({ code: '40P01' });
    expect(runs()).toBe(5);
  });

  test('is not run again after any other error', async () => {
    const { db, runs } = databaseThatFails([databaseError('23505')]);
    await expect(inTransaction(db, async () => 'done')).rejects.toMatchObject({ code: '23505' });
    expect(runs()).toBe(1);
  });
});

describe('a violation', () => {
  test('is read with its constraint and its values', () => {
    const error = databaseError('23505', {
      constraint: 'udp_port_pkey',
      detail: 'Key (site, port)=(alpha, 7700) already exists.',
    });
    expect(violationOf(error)).toEqual({ constraint: 'udp_port_pkey', values: ['alpha', '7700'] });
  });

  test('of an exclusion has the values of the newcomer', () => {
    const error = databaseError('23P01', {
      constraint: 'cluster_network_overlap',
      detail: 'Key (network)=(10.77.1.0/24) conflicts with existing key (network)=(10.77.0.0/16).',
    });
    expect(violationOf(error)?.values).toEqual(['10.77.1.0/24']);
  });

  test('is no other error', () => {
    expect(violationOf(databaseError('40001'))).toBeUndefined();
    expect(violationOf(new Error('23505'))).toBeUndefined();
  });
});
