import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openKeeperFiles } from '../../../../src/drivers/overlay/routed/paths/files.ts';

it('the key shared with a container is read from its file, and there may be none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keeper-'));
  try {
    await mkdir(join(directory, 'psk'));
    await writeFile(join(directory, 'psk', '4'), Buffer.alloc(32, 0xab).toString('base64'));
    const files = openKeeperFiles(directory);
    expect(await files.readPsk(4)).toBe('ab'.repeat(32));
    expect(await files.readPsk(5)).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true });
  }
});
