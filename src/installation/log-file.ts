import { copyFile, open, stat, truncate } from 'node:fs/promises';
import { missingAsUndefined } from './files.ts';

const maximumLogBytes = 20 * 1024 * 1024;
const tailBytes = 8 * 1024;

/** The last lines of a log after a position, oldest first; none if there is no log. */
export async function lastLines(path: string, count: number, fromByte = 0): Promise<string[]> {
  const file = await open(path, 'r').catch(missingAsUndefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const length = Math.min(Math.max(size - fromByte, 0), tailBytes);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.toString('utf8').split('\n');
    return lines.filter((line) => line.trim() !== '').slice(-count);
  } finally {
    await file.close();
  }
}

/** The last line after a position that speaks of an error, else simply the last one. */
export async function lastErrorLine(path: string, fromByte: number): Promise<string | undefined> {
  const lines = await lastLines(path, 60, fromByte);
  const isError = /error|fatal|panic|cannot|refused/i;
  return (lines.findLast((line) => isError.test(line)) ?? lines.at(-1))?.trim().slice(0, 500);
}

export async function logSize(path: string): Promise<number> {
  return (await stat(path).catch(missingAsUndefined))?.size ?? 0;
}

/** Keeps one older part of a log beside it. Writers append, so the file may be cut under them. */
export async function shortenLog(path: string): Promise<void> {
  if ((await logSize(path)) < maximumLogBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
}
