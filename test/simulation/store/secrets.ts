import type { SecretOwner, SecretVault } from '../../../src/domain/envelope.ts';
import { Failure } from '../../../src/domain/failure.ts';
import type { Database } from '../../../src/store/database.ts';
import { call, type Tables } from './tables.ts';

export async function ensureSecret(
  db: Database,
  _vault: SecretVault,
  owner: SecretOwner,
  name: string,
  make: () => Uint8Array,
): Promise<Buffer> {
  return call(db, 'ensureSecret', (tables) => {
    const key = `${owner.kind}/${owner.name}/${name}`;
    return tables.secrets.get(key) ?? put(tables, owner, name, make());
  });
}

/** Versions do not matter here: there is one. */
export async function putSecret(
  db: Database,
  _vault: SecretVault,
  owner: SecretOwner,
  name: string,
  plain: Uint8Array,
): Promise<number> {
  return call(db, 'putSecret', (tables) => {
    put(tables, owner, name, plain);
    return 1;
  });
}

function put(tables: Tables, owner: SecretOwner, name: string, plain: Uint8Array): Buffer {
  if (owner.kind === 'cluster' && !tables.clusters.has(owner.name)) {
    throw new Failure('NotFound', `cluster ${owner.name} is not recorded`);
  }
  const made = Buffer.from(plain);
  tables.secrets = new Map(tables.secrets).set(`${owner.kind}/${owner.name}/${name}`, made);
  return made;
}
