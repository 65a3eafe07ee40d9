import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteAnswer } from '../../src/domain/site-verbs.ts';
import { bundleMvcSite } from '../../src/site/bundle.ts';

let directory: string;
const digest = 'a'.repeat(64);
const operation = (epoch: number) => ({
  mark: {
    installation: '7f1f1c46-6f0e-4f53-9d53-000000000001',
    cluster: 'demo',
    clusterId: '0123456789ab',
  },
  epoch,
});
const supernode = { site: 'a', address: '192.0.2.1', port: 7700 };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-full-'));
  const pool = join(directory, 'pool');
  mkdirSync(pool);
  const policyFile = join(directory, 'policy.json');
  const policy = { host: 'physical-frontend', pool, udpPorts: { first: 7700, last: 7800 } };
  writeFileSync(policyFile, JSON.stringify(policy));
  const program = join(directory, 'mvc-site');
  writeFileSync(program, await bundleMvcSite({ policyFile }));
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Asks the program, in a view of the machine in which its pool is a disk of 1 MiB. */
function askAll(...steps: (object | 'fill the disk')[]): SiteAnswer[] {
  const lines = steps.map((step) =>
    step === 'fill the disk'
      ? 'dd if=/dev/zero of=pool/other bs=4k 2>/dev/null || true'
      : `printf '%s\\n' '${JSON.stringify({ protocol: 1, ...step })}' | ./mvc-site`,
  );
  const script = ['mount -t tmpfs -o size=1m tmpfs pool', ...lines].join('\n');
  const { stdout, stderr, status } = spawnSync('unshare', ['-m', 'sh', '-ec', script], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SiteAnswer);
}

const remove = (epoch: number) => ({
  verb: 'overlay.remove',
  operation: operation(epoch),
  input: {},
});

describe('a host whose pool is full', () => {
  it('says so with figures and what to do, and lets go of what is there', () => {
    const answers = askAll(
      // A host that was registered has its sealing key.
      { verb: 'facts', input: {} },
      remove(1),
      'fill the disk',
      { verb: 'facts', input: {} },
      {
        verb: 'supernode.ensure',
        operation: operation(2),
        input: { kind: 'n2n', version: '1.3', supernode },
      },
      remove(1),
      remove(3),
      { verb: 'image.fetch', input: { digest, size: 9e6, address: '192.0.2.1', port: 7800 } },
    );
    const kinds = answers.map((answer) => (answer.ok ? 'ok' : answer.failure.kind));
    expect(kinds).toEqual(['ok', 'ok', 'ok', 'NoCapacity', 'StaleEpoch', 'ok', 'NoCapacity']);
    const [, , , refused] = answers;
    expect(refused).toMatchObject({
      failure: {
        message: expect.stringContaining('(0 of 1 MiB free)') as string,
        help: `free space in the pool ${directory}/pool at that host, then \`mvc resume demo\``,
      },
    });
  });
});
