import { open } from 'node:fs/promises';
import { orAbsent } from './cluster-files.ts';

/** The last bytes that a VM wrote to its serial console; none before its first start. */
export async function readConsole(file: string, bytes: number): Promise<string> {
  const handle = await orAbsent(open(file, 'r'));
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(bytes, size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}
