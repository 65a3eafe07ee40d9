import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SecretOwner, SecretVault } from '../../src/domain/envelope.ts';
import { ensureVault } from '../../src/secrets/vault.ts';
import { deleteCluster } from '../../src/store/clusters.ts';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { recordPlan } from '../../src/store/plans.ts';
import { ensureSecret, getSecret, putSecret } from '../../src/store/secrets.ts';
import { planOf, specOf } from '../helpers/plans.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { registerSites, wipe } from '../helpers/store.ts';

const demo: SecretOwner = { kind: 'cluster', name: 'demo' };
const plain = Buffer.from('canary-5b1f');

let directory: string;
let vault: SecretVault;
let postgres: TestPostgres;
let db: Database;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-vault-'));
  vault = await ensureVault(join(directory, 'vault.key'));
  postgres = await startPostgres();
  await migrateToLatest(postgres.settings);
  db = openDatabase(postgres.settings);
}, 60_000);
afterAll(async () => {
  if (db) await closeDatabase(db);
  await postgres?.stop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  await wipe(db);
  await registerSites(db, ['alpha']);
  await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
});

describe('secrets', () => {
  test('are read back, the newest version only', async () => {
    expect(await putSecret(db, vault, demo, 'overlay-key', Buffer.from('old'))).toBe(1);
    expect(await putSecret(db, vault, demo, 'overlay-key', plain)).toBe(2);
    expect(await getSecret(db, vault, demo, 'overlay-key')).toEqual(plain);
  });

  test('are in no column in clear', async () => {
    await putSecret(db, vault, demo, 'overlay-key', plain);
    const { rows } = await sql<{
      row: string;
    }>`SELECT secret::text AS row FROM secret`.execute(db);
    expect(rows[0]?.row).toContain('overlay-key');
    expect(rows[0]?.row).not.toContain(plain.toString('hex'));
    expect(rows[0]?.row).not.toContain(plain.toString('latin1'));
  });

  test('do not open when their row is moved to another name or version', async () => {
    await putSecret(db, vault, demo, 'overlay-key', plain);
    await sql`UPDATE secret SET name = 'other'`.execute(db);
    await expect(getSecret(db, vault, demo, 'other')).rejects.toMatchObject({
      kind: 'AccessDenied',
    });
    await sql`UPDATE secret SET name = 'overlay-key', version = 2`.execute(db);
    await expect(getSecret(db, vault, demo, 'overlay-key')).rejects.toThrow('cannot unseal');
  });

  test('under another vault say which key sealed them', async () => {
    await putSecret(db, vault, demo, 'overlay-key', plain);
    const other = await ensureVault(join(directory, 'other.key'));
    await expect(getSecret(db, other, demo, 'overlay-key')).rejects.toThrow(
      `key id ${vault.keyId}`,
    );
  });

  test('written by ten at once have ten versions', async () => {
    const versions = await Promise.all(
      Array.from({ length: 10 }, () => putSecret(db, vault, demo, 'overlay-key', plain)),
    );
    expect(versions.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('ensured by ten at once are one and the same', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        ensureSecret(db, vault, demo, 'overlay-key', () => randomBytes(32)),
      ),
    );
    expect(new Set(all.map((each) => each.toString('hex'))).size).toBe(1);
  });

  test('of nobody are refused, and unknown ones are not found', async () => {
    const nobody: SecretOwner = { kind: 'cluster', name: 'none' };
    await expect(putSecret(db, vault, nobody, 'overlay-key', plain)).rejects.toMatchObject({
      kind: 'NotFound',
    });
    await expect(getSecret(db, vault, demo, 'overlay-key')).rejects.toMatchObject({
      kind: 'NotFound',
    });
  });

  test('of a cluster go with it; those of the installation stay', async () => {
    const controller: SecretOwner = { kind: 'installation', name: 'controller' };
    await putSecret(db, vault, controller, 'user-key', plain);
    await putSecret(db, vault, demo, 'overlay-key', plain);
    const { id } = planIdentity(await sql<{ id: string }>`SELECT id FROM cluster`.execute(db));
    await deleteCluster(db, { name: 'demo', id });
    await expect(getSecret(db, vault, demo, 'overlay-key')).rejects.toMatchObject({
      kind: 'NotFound',
    });
    expect(await getSecret(db, vault, controller, 'user-key')).toEqual(plain);
  });
});

function planIdentity(result: { rows: { id: string }[] }): { id: string } {
  const [row] = result.rows;
  if (!row) throw new Error('no cluster');
  return row;
}
