import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, lstat, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Envelope, SecretPlace, SecretVault } from '../domain/envelope.ts';
import { Failure } from '../domain/failure.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Opens the vault whose key is in a file (64 hexadecimal digits) that only its owner may read.
 *
 * @throws {Failure} NotFound without the file; AccessDenied if others could read or replace it;
 *   BadInput if it holds no key.
 */
export async function openVault(keyFile: string): Promise<SecretVault> {
  const text = await readPrivateFile(keyFile);
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new Failure('BadInput', `${keyFile} does not hold a key of 64 hexadecimal digits`);
  }
  return vaultOf(Buffer.from(text.trim(), 'hex'), keyFile);
}

/** Opens the vault; makes its key first if there is no file. Safe for several processes at once. */
export async function ensureVault(keyFile: string): Promise<SecretVault> {
  try {
    return await openVault(keyFile);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'NotFound') throw error;
    await createKeyFile(keyFile);
    return openVault(keyFile);
  }
}

function vaultOf(key: Buffer, keyFile: string): SecretVault {
  const keyId = createHash('sha256')
    .update('mvc vault key 1')
    .update(key)
    .digest('hex')
    .slice(0, 16);
  return {
    keyId,
    seal(place, plain) {
      const secretKey = randomBytes(keyBytes);
      const envelope = {
        keyId,
        wrappedKey: encrypt(key, secretKey, bindingOf('key', place, keyId)),
        sealed: encrypt(secretKey, plain, bindingOf('secret', place, keyId)),
      };
      secretKey.fill(0);
      return envelope;
    },
    unseal(place, envelope) {
      if (envelope.keyId !== keyId) throw wrongKey(place, envelope, keyId, keyFile);
      try {
        const secretKey = decrypt(key, envelope.wrappedKey, bindingOf('key', place, keyId));
        const plain = decrypt(secretKey, envelope.sealed, bindingOf('secret', place, keyId));
        secretKey.fill(0);
        return plain;
      } catch (cause) {
        throw new Failure(
          'AccessDenied',
          `cannot unseal ${describePlace(place)}, key id ${keyId}: it was altered or belongs elsewhere`,
          { help: 'restore the row from a backup, or make the secret anew', cause },
        );
      }
    },
  };
}

function wrongKey(place: SecretPlace, envelope: Envelope, keyId: string, keyFile: string): Failure {
  return new Failure(
    'AccessDenied',
    `cannot unseal ${describePlace(place)}, key id ${envelope.keyId}: the key in ${keyFile} is ${keyId}`,
    { help: `put the key that sealed it back into ${keyFile}` },
  );
}

function describePlace({ owner, name, version }: SecretPlace): string {
  return `secret ${name} (version ${version}) of ${owner.kind} ${owner.name}`;
}

/** What an envelope is bound to. JSON, so that no two places have one text. */
function bindingOf(part: string, { owner, name, version }: SecretPlace, keyId: string): Buffer {
  return Buffer.from(JSON.stringify(['mvc', part, owner.kind, owner.name, name, version, keyId]));
}

function encrypt(key: Buffer, plain: Uint8Array, binding: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(binding);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, bytes: Buffer, binding: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(binding);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await openNoFollow(path);
  try {
    // Of the opened file, not of the path: nobody can swap it between the check and the reading.
    refuseUnlessPrivate(path, await file.stat());
    const directory = await lstat(dirname(path));
    if ((directory.mode & 0o022) !== 0 && (directory.mode & 0o1000) === 0) {
      throw new Failure('AccessDenied', `others may replace ${path}: its directory is writable`, {
        help: `chmod go-w ${dirname(path)}`,
      });
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function openNoFollow(path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new Failure('NotFound', `no key file ${path}`, { cause });
    const why = code === 'ELOOP' ? 'it is a symbolic link' : String(code);
    throw new Failure('AccessDenied', `key file ${path} cannot be used: ${why}`, { cause });
  }
}

function refuseUnlessPrivate(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new Failure('AccessDenied', `${path} is not a regular file`);
  if (stats.uid !== process.getuid?.()) {
    throw new Failure('AccessDenied', `key file ${path} belongs to another user`);
  }
  if ((stats.mode & 0o077) !== 0) {
    throw new Failure('AccessDenied', `key file ${path} can be read or written by others`, {
      help: `chmod 600 ${path}`,
    });
  }
}

/** Writes beside and links, so that the file is whole or absent; if another was first, its key stays. */
async function createKeyFile(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(keyBytes).toString('hex')}\n`);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await file.close();
    await unlink(draft);
  }
}
