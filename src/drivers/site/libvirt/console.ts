import { open, type FileHandle } from 'node:fs/promises';
import { ignoreAbsent } from '../../../transport/durable-file.ts';

/** A console that is longer than this when its VM starts is cut to its end, bytes. */
const longest = 1024 * 1024;
const kept = 256 * 1024;

/** The last bytes that a VM wrote to its serial console; none before its first start. */
export async function readConsole(file: string, bytes: number): Promise<string> {
  const handle = await ignoreAbsent(open(file, 'r'));
  if (!handle) return '';
  try {
    return (await readEnd(handle, bytes)).toString('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * Cuts a long console to its end, so that a VM that is started again and again does not fill the pool.
 * QEMU appends, so the end is where it goes on; nobody else writes while the VM is off.
 */
export async function shortenConsole(file: string): Promise<void> {
  const handle = await ignoreAbsent(open(file, 'r+'));
  if (!handle) return;
  try {
    if ((await handle.stat()).size <= longest) return;
    const end = await readEnd(handle, kept);
    await handle.truncate(0);
    await handle.write(end, 0, end.length, 0);
  } finally {
    await handle.close();
  }
}

async function readEnd(handle: FileHandle, bytes: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(Math.min(bytes, size));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length);
  return buffer.subarray(0, bytesRead);
}
