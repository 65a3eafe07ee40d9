import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Vm } from '../../src/domain/vm.ts';
import type { ClusterContext, ClusterSecrets } from '../../src/rolls/roll.ts';

export const pem = (body: string) =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
const keyPair = (body: string) => ({ privateKey: pem(body), publicKey: `ssh-ed25519 ${body} me` });
const bytes = (text: string) => createHash('sha256').update(text).digest();

/** A cluster of this many computes, over up to eight sites. Its secrets are always the same. */
export function clusterOf(computes: number): { context: ClusterContext; secrets: ClusterSecrets } {
  const vms: Vm[] = Array.from({ length: computes + 1 }, (_, n) => ({
    name: n === 0 ? 'frontend' : `compute-site${n % 8}-${n}`,
    role: n === 0 ? 'frontend' : 'compute',
    site: `site${n % 8}`,
    container: 'h1',
    mac: `02:00:00:00:00:${(n + 1).toString(16).padStart(2, '0')}`,
    address: `10.77.1.${n + 1}`,
    cpus: 2,
    memoryMiB: 512,
  }));
  const mungeKey = Buffer.concat(['0', '1', '2', '3'].map(bytes));
  return {
    context: { cluster: 'demo', epoch: 7, network: '10.77.1.0/24', mtu: 1400, vms, sshKeys: [] },
    secrets: {
      mungeKey: mungeKey.toString('base64'),
      tokenKey: bytes('token key').toString('base64url'),
      hostKeys: { frontend: keyPair('ZnJvbnRlbmQ='), compute: keyPair('Y29tcHV0ZQ==') },
      userKey: keyPair('dXNlcg=='),
    },
  };
}

/** The text of a file in a gzipped archive. */
export function readIn(archive: Buffer, path: string): string {
  return execFileSync('tar', ['-xOf', '-', path], { input: gunzipSync(archive) }).toString();
}

/** Paths in a gzipped archive. */
export function listOf(archive: Buffer): string[] {
  return execFileSync('tar', ['-tf', '-'], { input: gunzipSync(archive) })
    .toString()
    .trim()
    .split('\n');
}
