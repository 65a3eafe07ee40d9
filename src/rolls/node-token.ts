import { createHash, createHmac } from 'node:crypto';
import { Failure } from '../domain/failure.ts';
import type { ClusterSecrets } from './roll.ts';

const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

/**
 * What a VM proves itself with to the frontend: 32 bytes as base64url. Derived from the cluster's
 * token key, so that a VM that is added later has one too. Only the controller has that key.
 *
 * @throws {Failure} BadInput if there is no key or the recorded token is malformed; neither is told.
 */
export function nodeToken(secrets: ClusterSecrets, vm: string): string {
  const token = secrets.nodeTokens?.[vm] ?? derived(tokenKeyOf(secrets), vm);
  if (tokenPattern.test(token)) return token;
  throw new Failure('BadInput', `the token of ${vm} is malformed`);
}

/** All that a frontend knows of a token, hexadecimal. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Secrets recorded before there was a token key have a token for each VM of that time. The one of the
 * frontend was never given to anybody, since a frontend shows none: it serves as the key.
 */
function tokenKeyOf({ tokenKey, nodeTokens }: ClusterSecrets): string {
  const key = tokenKey ?? nodeTokens?.['frontend'] ?? '';
  if (tokenPattern.test(key)) return key;
  throw new Failure('BadInput', "the cluster's token key is missing or malformed");
}

function derived(key: string, vm: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64url'))
    .update(`mvc node token\0${vm}`)
    .digest('base64url');
}
