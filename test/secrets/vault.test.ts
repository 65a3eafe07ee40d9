import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SecretPlace } from '../../src/domain/envelope.ts';
import { ensureVault, openVault } from '../../src/secrets/vault.ts';

const place: SecretPlace = {
  owner: { kind: 'cluster', name: 'demo' },
  name: 'overlay-key',
  version: 1,
};
const plain = Buffer.from('correct horse battery staple');

let directory: string;
let keyFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-vault-'));
  keyFile = join(directory, 'vault.key');
});
afterEach(() => rm(directory, { recursive: true }));

describe('the vault', () => {
  test('opens what it has sealed, also when it was opened anew', async () => {
    const envelope = (await ensureVault(keyFile)).seal(place, plain);
    expect((await openVault(keyFile)).unseal(place, envelope)).toEqual(plain);
  });

  test('seals an empty secret', async () => {
    const vault = await ensureVault(keyFile);
    expect(vault.unseal(place, vault.seal(place, Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
  });

  test('seals the same secret differently each time, and never in clear', async () => {
    const vault = await ensureVault(keyFile);
    const [one, two] = [vault.seal(place, plain), vault.seal(place, plain)];
    expect(one.sealed).not.toEqual(two.sealed);
    expect(one.wrappedKey).not.toEqual(two.wrappedKey);
    expect(one.sealed.includes(plain)).toBe(false);
  });

  test.each<[string, SecretPlace]>([
    ['cluster', { ...place, owner: { kind: 'cluster', name: 'other' } }],
    ['kind of owner', { ...place, owner: { kind: 'site', name: 'demo' } }],
    ['name', { ...place, name: 'scheduler-key' }],
    ['version', { ...place, version: 2 }],
  ])('does not open an envelope that was moved to another %s', async (_what, elsewhere) => {
    const vault = await ensureVault(keyFile);
    const envelope = vault.seal(place, plain);
    expect(() => vault.unseal(elsewhere, envelope)).toThrow(
      expect.objectContaining({ kind: 'AccessDenied' }),
    );
  });

  test('does not open a secret under the wrapped key of another one', async () => {
    const vault = await ensureVault(keyFile);
    const [one, two] = [vault.seal(place, plain), vault.seal(place, plain)];
    const mixed = { ...one, wrappedKey: two.wrappedKey };
    expect(() => vault.unseal(place, mixed)).toThrow(/cannot unseal secret overlay-key/);
  });

  test.each(['sealed', 'wrappedKey'] as const)('notices each altered byte of %s', async (field) => {
    const vault = await ensureVault(keyFile);
    const envelope = vault.seal(place, plain);
    for (let index = 0; index < envelope[field].length; index += 1) {
      const altered = Buffer.from(envelope[field]);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(() => vault.unseal(place, { ...envelope, [field]: altered })).toThrow('cannot unseal');
    }
    expect(() =>
      vault.unseal(place, { ...envelope, [field]: envelope[field].subarray(0, 20) }),
    ).toThrow('cannot unseal');
  });

  test('names both keys when it has the wrong one, and shows neither secret nor key', async () => {
    const envelope = (await ensureVault(keyFile)).seal(place, plain);
    const other = await ensureVault(join(directory, 'other.key'));
    expect(() => other.unseal(place, envelope)).toThrow(
      new RegExp(`cannot unseal .* key id ${envelope.keyId}: .* is ${other.keyId}`),
    );
    const key = (await readFile(keyFile, 'utf8')).trim();
    expect(key).not.toContain(envelope.keyId);
  });
});

describe('the key file', () => {
  test('is made once, for its owner only, by however many at once', async () => {
    const vaults = await Promise.all(Array.from({ length: 8 }, () => ensureVault(keyFile)));
    expect(new Set(vaults.map((vault) => vault.keyId)).size).toBe(1);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  });

  test('is refused if others may read it', async () => {
    await ensureVault(keyFile);
    await chmod(keyFile, 0o640);
    await expect(openVault(keyFile)).rejects.toMatchObject({
      kind: 'AccessDenied',
      help: `chmod 600 ${keyFile}`,
    });
    await expect(ensureVault(keyFile)).rejects.toMatchObject({ kind: 'AccessDenied' });
  });

  test('is refused if others may replace it', async () => {
    await ensureVault(keyFile);
    await chmod(directory, 0o777);
    await expect(openVault(keyFile)).rejects.toMatchObject({ kind: 'AccessDenied' });
  });

  test('is refused if it is a symbolic link', async () => {
    await ensureVault(keyFile);
    const link = join(directory, 'link');
    await symlink(keyFile, link);
    await expect(openVault(link)).rejects.toMatchObject({ kind: 'AccessDenied' });
  });

  test('is refused if it holds no key, or is not there', async () => {
    await writeFile(keyFile, 'short\n', { mode: 0o600 });
    await expect(openVault(keyFile)).rejects.toMatchObject({ kind: 'BadInput' });
    await expect(openVault(join(directory, 'none'))).rejects.toMatchObject({ kind: 'NotFound' });
  });
});
