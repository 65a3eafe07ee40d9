import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/domain/mark.ts';
import { uploadImage } from '../../src/drivers/site/libvirt/image-upload.ts';
import { bundleMvcSite } from '../../src/site/bundle.ts';
import { createLocalDoor } from '../../src/transport/local-door.ts';
import type { SiteDoor } from '../../src/transport/site-door.ts';

let directory: string;
let program: string;
let door: SiteDoor;

const host = 'physical-frontend';
const operation = (epoch: number, installation = '1'): Operation => ({
  mark: {
    installation: `7f1f1c46-6f0e-4f53-9d53-00000000000${installation}`,
    cluster: 'demo',
    clusterId: '0123456789ab',
  },
  epoch,
});

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-site-'));
  const policyFile = join(directory, 'policy.json');
  const policy = { host, pool: join(directory, 'pool'), udpPorts: { first: 7700, last: 7800 } };
  writeFileSync(policyFile, JSON.stringify(policy));
  program = join(directory, 'mvc-site');
  writeFileSync(program, await bundleMvcSite({ policyFile }));
  chmodSync(program, 0o755);
  door = createLocalDoor([program]);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the program at a host', () => {
  it('says what it is, with a sealing key that stays the same', async () => {
    const [first, second] = await Promise.all([
      door.call(host, 'facts', {}),
      door.call(host, 'facts', {}),
    ]);
    expect(first.host).toBe(host);
    expect(first.tools['node']).toMatch(/^\d+\./);
    expect(Buffer.from(first.sealKey, 'base64')).toHaveLength(32);
    expect(second.sealKey).toBe(first.sealKey);
    expect(statSync(join(directory, 'pool/seal.pem')).mode & 0o777).toBe(0o600);
  });

  it('has no path of the machine on which it was bundled', () => {
    expect(readFileSync(program, 'utf8')).not.toContain(process.cwd());
  });

  it('takes no arguments', () => {
    const { status, stdout } = spawnSync(program, ['facts'], { encoding: 'utf8' });
    expect(status).toBe(64);
    expect(stdout).toBe('');
  });

  const broken: [string, string, string][] = [
    ['ends early', '{"protocol":1', 'Protocol'],
    ['is no JSON', 'facts\n', 'Protocol'],
    ['has an unknown verb', '{"protocol":1,"verb":"rm","input":{}}\n', 'BadInput'],
    ['has another protocol', '{"protocol":2,"verb":"facts","input":{}}\n', 'BadInput'],
    ['has one field too many', '{"protocol":1,"verb":"facts","input":{},"sudo":1}\n', 'BadInput'],
    ['is for another host', '{"protocol":1,"verb":"facts","host":"h1","input":{}}\n', 'Conflict'],
    ['has input of a wrong form', '{"protocol":1,"verb":"facts","input":{"a":1}}\n', 'BadInput'],
    [
      'names no operation where one is needed',
      '{"protocol":1,"verb":"vm.describe","input":{}}\n',
      'BadInput',
    ],
    [
      'is nested without end',
      `{"protocol":1,"verb":"facts","input":${'['.repeat(500)}${']'.repeat(500)}}\n`,
      'BadInput',
    ],
    ['is longer than allowed', `"${'x'.repeat(9 * 1024 ** 2)}"\n`, 'Protocol'],
  ];
  it.each(broken)('answers with a failure when the request %s', (_, request, kind) => {
    const { status, stdout } = spawnSync(program, { input: request, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, failure: { kind } });
  });

  it('refuses an operation that is older than one that has acted, and another controller', async () => {
    await door.call(host, 'overlay.remove', {}, { operation: operation(5) });
    await door.call(host, 'overlay.remove', {}, { operation: operation(5) });
    await expect(
      door.call(host, 'overlay.remove', {}, { operation: operation(4) }),
    ).rejects.toMatchObject({ kind: 'StaleEpoch' });
    await expect(
      door.call(host, 'overlay.describe', {}, { operation: operation(4) }),
    ).rejects.toMatchObject({ kind: 'StaleEpoch' });
    await expect(
      door.call(host, 'overlay.remove', {}, { operation: operation(6, '2') }),
    ).rejects.toMatchObject({ kind: 'Conflict' });
    await door.call(host, 'overlay.remove', {}, { operation: operation(6) });
  });

  it('remembers the highest operation of each cluster, for the controller that owns it', async () => {
    const cluster = (clusterId: string, epoch: number): Operation => ({
      mark: { ...operation(1, '3').mark, clusterId },
      epoch,
    });
    const seen = () =>
      door.call(host, 'operations', { installation: cluster('', 1).mark.installation });
    expect(await seen()).toEqual({ operations: [] });
    for (const each of [cluster('aaaaaaaaaaaa', 1), cluster('aaaaaaaaaaaa', 3)]) {
      await door.call(host, 'overlay.remove', {}, { operation: each });
    }
    await door.call(host, 'overlay.remove', {}, { operation: cluster('bbbbbbbbbbbb', 2) });
    await door.call(host, 'overlay.describe', {}, { operation: cluster('bbbbbbbbbbbb', 7) });
    expect((await seen()).operations).toEqual([
      cluster('aaaaaaaaaaaa', 3),
      cluster('bbbbbbbbbbbb', 2),
    ]);
  });

  it('lets changes wait for each other', async () => {
    const calls = Array.from({ length: 4 }, () =>
      door.call(host, 'overlay.remove', {}, { operation: operation(9) }),
    );
    await Promise.all(calls);
  });
});

describe('an image', () => {
  const bytes = randomBytes(9 * 1024 ** 2 + 17);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const source = () => ({ digest, size: bytes.length, path: join(directory, 'image') });
  const arrived = () => join(directory, 'pool/images', `${digest}.img`);

  it('arrives in chunks, goes on where it stopped, and is whole only when its digest is', async () => {
    writeFileSync(source().path, bytes);
    const stop = new AbortController();
    let told = 0;
    const cut = uploadImage(
      door,
      source(),
      {
        signal: stop.signal,
        progress: () => (told += 1) === 2 && stop.abort(new Error('cut')),
      },
      1,
    );
    await expect(cut).rejects.toThrow('cut');
    const state = await door.call(host, 'image.state', { digest });
    expect(state).toMatchObject({ complete: false, fetching: false });
    expect(state.chunks.length).toBeGreaterThan(0);

    const begun: number[] = [];
    await uploadImage(door, source(), {
      progress: (done) => void ('bytes' in done && begun.push(done.bytes)),
    });
    expect(begun[0], 'the chunks of the first attempt are not sent again').toBeGreaterThan(0);
    expect(readFileSync(arrived()).equals(bytes)).toBe(true);
    expect(await door.call(host, 'image.state', { digest })).toMatchObject({ complete: true });
    expect(existsSync(arrived().replace(/img$/, 'parts'))).toBe(false);
  });

  it('that is damaged on its way is refused', async () => {
    const body = Buffer.from('abc');
    const chunk = { digest: 'a'.repeat(64), size: 3, offset: 0, length: 3, chunkDigest: digest };
    await expect(door.call(host, 'image.chunk', chunk, { body })).rejects.toMatchObject({
      kind: 'CommandFailed',
    });
    const chunkDigest = createHash('sha256').update(body).digest('hex');
    await door.call(host, 'image.chunk', { ...chunk, chunkDigest }, { body });
    await expect(
      door.call(host, 'image.finish', { digest: chunk.digest, size: 3 }),
    ).rejects.toMatchObject({ kind: 'CommandFailed' });
    expect(await door.call(host, 'image.state', { digest: chunk.digest })).toEqual({
      complete: false,
      chunks: [],
      fetching: false,
    });
  });
});
