import { gzipSync } from 'node:zlib';
import { Failure } from '../domain/failure.ts';

/** A file, directory or symbolic link in an archive. Owners are numbers: the first stage knows no names. */
export interface TarEntry {
  /** Relative to the root, without a leading slash. */
  path: string;
  kind: 'file' | 'directory' | 'link';
  mode: number;
  owner: number;
  /** Of a file. */
  content: Buffer;
  /** Of a link. */
  target: string;
}

const blockBytes = 512;
const typeFlags = { file: '0', link: '2', directory: '5' } as const;

export function file(
  path: string,
  content: string | Buffer,
  options: { mode?: number; owner?: number } = {},
): TarEntry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const { mode = 0o644, owner = 0 } = options;
  return { path, kind: 'file', mode, owner, content: bytes, target: '' };
}

export function directory(path: string, options: { mode?: number; owner?: number } = {}): TarEntry {
  const { mode = 0o755, owner = 0 } = options;
  return { path, kind: 'directory', mode, owner, content: Buffer.alloc(0), target: '' };
}

export function link(path: string, target: string): TarEntry {
  return { path, kind: 'link', mode: 0o777, owner: 0, content: Buffer.alloc(0), target };
}

/**
 * An uncompressed ustar archive. The same entries give the same bytes.
 *
 * @param options `end: false` leaves the end mark out, so that another archive can follow.
 * @throws {Failure} BadInput if a path does not fit the format or leaves the root.
 */
export function renderTar(entries: TarEntry[], options: { end?: boolean } = {}): Buffer {
  const blocks = entries.flatMap((entry) => [header(entry), padded(entry.content)]);
  const end = options.end === false ? [] : [Buffer.alloc(2 * blockBytes)];
  return Buffer.concat([...blocks, ...end]);
}

/** A gzipped archive. The same entries give the same bytes, on whatever system. */
export function pack(entries: TarEntry[]): Buffer {
  const bytes = gzipSync(renderTar(entries), { level: 9 });
  // Byte 9 names the operating system that packed it; the same archive must not differ by that.
  bytes[9] = 0xff;
  return bytes;
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes);
  checkPath(entry.path);
  const name = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
  write(block, 0, 100, name, entry.path);
  block.write(octal(entry.mode, 7), 100);
  block.write(octal(entry.owner, 7), 108);
  block.write(octal(entry.owner, 7), 116);
  block.write(octal(entry.content.length, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(typeFlags[entry.kind], 156);
  write(block, 157, 100, entry.target, entry.path);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function checkPath(path: string): void {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new Failure('BadInput', `${JSON.stringify(path)} is not a path below the root`);
  }
}

function write(block: Buffer, offset: number, length: number, text: string, path: string): void {
  const bytes = Buffer.from(text);
  if (bytes.length > length || bytes.includes(0)) {
    throw new Failure('BadInput', `${JSON.stringify(path)} does not fit into a tar header`);
  }
  bytes.copy(block, offset);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padded(content: Buffer): Buffer {
  const rest = content.length % blockBytes;
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(blockBytes - rest)]);
}
