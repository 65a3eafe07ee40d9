import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundlePath, bundleVersion, workflowBundle } from '../../src/workers/workflow-bundle.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-bundle-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the bundle of the workflows', { timeout: 60_000 }, () => {
  it('is named after the digest of their code, and made once', async () => {
    const path = await workflowBundle(directory);
    const version = bundleVersion(path);
    expect(version).toMatch(/^[0-9a-f]{16}$/);
    expect(bundlePath(directory, version)).toBe(path);
    const { mtimeMs } = await stat(path);
    expect(await workflowBundle(directory)).toBe(path);
    expect((await stat(path)).mtimeMs).toBe(mtimeMs);
  });

  it('leaves those of other versions where they are', async () => {
    const older = bundlePath(directory, 'older');
    await writeFile(older, '');
    const path = await workflowBundle(directory);
    const kept = (await readdir(directory)).map((name) => join(directory, name));
    expect(kept.toSorted()).toEqual([older, path].toSorted());
  });
});
