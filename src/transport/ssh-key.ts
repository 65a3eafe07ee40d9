import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { Failure } from '../domain/failure.ts';
import { hostKeyAlgorithms, hostKeyChanged, unreachable } from './ssh-terms.ts';

/** A new ed25519 key pair: the private half as an OpenSSH PEM, the public one as one line. */
export function generateSshKey(comment: string): { privateKey: string; publicKey: string } {
  if (!/^[\x21-\x7e]{0,100}$/.test(comment)) {
    throw new Failure('BadInput', 'the comment of an ssh key must be plain text without blanks');
  }
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    // One in some two hundred pairs comes out malformed (ssh2 1.17), so each is read back.
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) {
      return { privateKey: pair.private, publicKey: pair.public };
    }
  }
}

/** `SHA256:…` of a public key line or of a key as it comes over the wire, as `ssh-keygen -l` prints it. */
export function fingerprint(publicKey: string | Buffer): string {
  const blob =
    typeof publicKey === 'string'
      ? Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64')
      : publicKey;
  if (blob.length === 0) throw new Failure('BadInput', 'this is not a public ssh key');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

export interface ScanTarget {
  address: string;
  port: number;
  /** 10,000 by default. */
  timeoutMs?: number;
  /** A connection already made, e.g. through the physical frontend (`openTunnel`). */
  socket?: Duplex;
}

/**
 * Asks a host for its key, and sends nothing more. Whether it is the right one must be checked by a
 * person, or by other means.
 *
 * @returns its fingerprint.
 * @throws {Failure} Unreachable.
 */
export async function scanHostKey(target: ScanTarget): Promise<string> {
  return fingerprint(await offeredKey(target));
}

/**
 * The whole public key of a host whose fingerprint is registered, as a line `<type> <base64>` for a
 * known_hosts file.
 *
 * @throws {Failure} HostKeyChanged, Unreachable.
 */
export async function fetchHostKey(target: ScanTarget & { expected: string }): Promise<string> {
  const key = await offeredKey(target);
  const offered = fingerprint(key);
  if (offered !== target.expected) {
    throw hostKeyChanged(`${target.address}:${target.port}`, offered, target.expected);
  }
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString();
  return `${type} ${key.toString('base64')}`;
}

function offeredKey(target: ScanTarget): Promise<Buffer> {
  const where = `${target.address}:${target.port}`;
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let offered: Buffer | undefined;
    const end = (error: Error) => {
      client.destroy();
      if (offered) resolve(offered);
      else reject(unreachable(where, error));
    };
    client.on('error', end);
    client.on('close', () => end(new Error('it closed the connection')));
    client.connect({
      ...(target.socket ? { sock: target.socket } : { host: target.address, port: target.port }),
      username: 'nobody',
      readyTimeout: target.timeoutMs ?? 10_000,
      algorithms: { serverHostKey: hostKeyAlgorithms },
      hostVerifier: (key: Buffer) => {
        offered = Buffer.from(key);
        return false;
      },
    });
  });
}
