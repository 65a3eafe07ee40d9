import type { ServerHostKeyAlgorithm } from 'ssh2';
import { Failure } from '../domain/failure.ts';

/**
 * Which key a host shall show, best first. Fixed, so that a scan and a connection see the same one of
 * a host that has several.
 */
export const hostKeyAlgorithms: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

export function unreachable(where: string, cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Failure('Unreachable', `${where} cannot be reached: ${why}`, { cause });
}

export function hostKeyChanged(where: string, offered: string, registered: string): Failure {
  return new Failure(
    'HostKeyChanged',
    `${where} presented the host key ${offered}, but ${registered} is registered. Nothing was sent to it`,
    {
      help: 'ask its administrator. If the change is theirs, register the new key; else somebody stands in between',
    },
  );
}
