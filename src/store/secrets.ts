import { sql } from 'kysely';
import type { SecretOwner, SecretVault } from '../domain/envelope.ts';
import { Failure } from '../domain/failure.ts';
import type { Database } from './database.ts';
import { inTransaction, violationOf } from './transaction.ts';

/**
 * Stores a secret, or a new version of it.
 *
 * @returns its version.
 * @throws {Failure} NotFound if the owner is not recorded.
 */
export async function putSecret(
  db: Database,
  vault: SecretVault,
  owner: SecretOwner,
  name: string,
  plain: Uint8Array,
): Promise<number> {
  return inTransaction(db, async (tx) => {
    await takeTurn(tx, owner, name);
    const existing = await findRow(tx, owner, name);
    const version = (existing?.version ?? 0) + 1;
    await write(tx, vault, owner, name, version, plain);
    return version;
  });
}

/** @throws {Failure} NotFound if there is none; AccessDenied if the vault cannot open it. */
export async function getSecret(
  db: Database,
  vault: SecretVault,
  owner: SecretOwner,
  name: string,
): Promise<Buffer> {
  const row = await findRow(db, owner, name);
  if (!row)
    throw new Failure('NotFound', `there is no secret ${name} of ${owner.kind} ${owner.name}`);
  return vault.unseal({ owner, name, version: row.version }, row);
}

/**
 * The secret that is stored; made and stored first if there is none. However often and from
 * wherever it is called, all callers get the same.
 *
 * @throws {Failure} NotFound if the owner is not recorded.
 */
export async function ensureSecret(
  db: Database,
  vault: SecretVault,
  owner: SecretOwner,
  name: string,
  make: () => Uint8Array,
): Promise<Buffer> {
  return inTransaction(db, async (tx) => {
    await takeTurn(tx, owner, name);
    if (!(await findRow(tx, owner, name))) await write(tx, vault, owner, name, 1, make());
    return getSecret(tx, vault, owner, name);
  });
}

/** One writer of a secret at a time, also while there is no row to lock. Ends with the transaction. */
async function takeTurn(tx: Database, owner: SecretOwner, name: string): Promise<void> {
  const subject = JSON.stringify(['secret', owner.kind, owner.name, name]);
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${subject}, 0))`.execute(tx);
}

async function findRow(db: Database, owner: SecretOwner, name: string) {
  return db
    .selectFrom('secret')
    .select(['version', 'key_id as keyId', 'wrapped_key as wrappedKey', 'sealed'])
    .where('owner_kind', '=', owner.kind)
    .where('owner_name', '=', owner.name)
    .where('name', '=', name)
    .executeTakeFirst();
}

async function write(
  tx: Database,
  vault: SecretVault,
  owner: SecretOwner,
  name: string,
  version: number,
  plain: Uint8Array,
): Promise<void> {
  const envelope = vault.seal({ owner, name, version }, plain);
  const content = {
    version,
    key_id: envelope.keyId,
    wrapped_key: envelope.wrappedKey,
    sealed: envelope.sealed,
    updated_at: sql<Date>`now()`,
  };
  try {
    await tx
      .insertInto('secret')
      .values({ owner_kind: owner.kind, owner_name: owner.name, name, ...content })
      .onConflict((conflict) =>
        conflict.columns(['owner_kind', 'owner_name', 'name']).doUpdateSet(content),
      )
      .execute();
  } catch (error) {
    if (!violationOf(error)?.constraint.endsWith('_fkey')) throw error;
    throw new Failure(
      'NotFound',
      `secret ${name} cannot be stored: ${owner.kind} ${owner.name} is not recorded`,
      { cause: error },
    );
  }
}
