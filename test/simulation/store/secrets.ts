import type { SecretOwner, SecretVault } from '../../../src/domain/envelope.ts';
import { Failure } from '../../../src/domain/failure.ts';
import type { Database } from '../../../src/store/database.ts';
import { call } from './tables.ts';

export async function ensureSecret(
  db: Database,
  _vault: SecretVault,
  owner: SecretOwner,
  name: string,
  make: () => Uint8Array,
): Promise<Buffer> {
  return call(db, 'ensureSecret', (tables) => {
    const key = `${owner.kind}/${owner.name}/${name}`;
    const stored = tables.secrets.get(key);
    if (stored) return stored;
    if (owner.kind === 'cluster' && !tables.clusters.has(owner.name)) {
      throw new Failure('NotFound', `cluster ${owner.name} is not recorded`);
    }
    const made = Buffer.from(make());
    tables.secrets = new Map(tables.secrets).set(key, made);
    return made;
  });
}
