import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readClusterSpec } from '../../src/cli/cluster-spec.ts';

const directory = mkdtempSync(join(tmpdir(), 'mvc-flags-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const flags = { site: ['alpine=1'], roll: [] };

describe('a cluster described by options', () => {
  it('gets the overlay routed unless another one is named', async () => {
    expect((await readClusterSpec('demo', flags)).overlay.kind).toBe('routed');
    const spec = await readClusterSpec('demo', { ...flags, overlay: 'n2n', insecure: true });
    expect(spec.overlay).toEqual({ kind: 'n2n', insecure: true });
  });

  it('is refused where it calls an overlay insecure that is not', async () => {
    await expect(readClusterSpec('demo', { ...flags, insecure: true })).rejects.toMatchObject({
      kind: 'BadInput',
      message: expect.stringContaining('overlay routed is never insecure'),
    });
  });

  it('has no options beside a file: none is silently left out', async () => {
    const file = join(directory, 'demo.yaml');
    writeFileSync(file, 'name: demo\norigin: alpine\nsites: [{ name: alpine, computes: 1 }]\n');
    const only = { file, site: [], roll: [] };
    // As the command line has it, with options that are not of the spec.
    const whole = { ...only, json: true, watch: false };
    expect((await readClusterSpec(undefined, whole)).name).toBe('demo');
    for (const option of [{ overlay: 'vxlan' }, { insecure: true }, { computeCpus: '2' }]) {
      await expect(readClusterSpec(undefined, { ...only, ...option })).rejects.toMatchObject({
        kind: 'BadInput',
        message: expect.stringContaining('holds the whole spec'),
      });
    }
  });
});
