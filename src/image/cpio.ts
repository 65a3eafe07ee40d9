import type { TarEntry } from '../rolls/tar.ts';

const typeBits = { file: 0o100000, directory: 0o040000, link: 0o120000 } as const;

/** An archive as the kernel takes it for its first root (newc). The same entries give the same bytes. */
export function renderCpio(entries: TarEntry[]): Buffer {
  const members = entries.map((entry, index) => {
    const content = entry.kind === 'link' ? Buffer.from(entry.target) : entry.content;
    return member(entry.path, typeBits[entry.kind] | entry.mode, index + 1, content);
  });
  return Buffer.concat([...members, member('TRAILER!!!', 0, 0, Buffer.alloc(0))]);
}

function member(name: string, mode: number, inode: number, content: Buffer): Buffer {
  const path = Buffer.from(`${name}\0`);
  // Owners, times and devices are 0; the number of links is 1.
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), path])), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
