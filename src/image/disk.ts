import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';

const sectorBytes = 512;
const alignment = 1024 ** 2;

export interface DiskContent {
  /** From the first sector on; the partition table is written into it. */
  grub: Buffer;
  /** Files that become the partitions 1, 2, …, each beginning at a whole mebibyte. */
  partitions: string[];
}

/**
 * Writes a bootable raw disk.
 *
 * @returns SHA-256 and size in bytes of the whole.
 */
export async function writeDisk(
  path: string,
  content: DiskContent,
  signal?: AbortSignal,
): Promise<{ digest: string; size: number }> {
  if (content.grub.length > alignment) {
    throw new Failure('Protocol', `GRUB has ${content.grub.length} bytes, too many for its gap`);
  }
  const places: Place[] = [];
  let end = alignment;
  for (const file of content.partitions) {
    const size = roundUp((await stat(file)).size, sectorBytes);
    places.push({ file, start: end, size });
    end = roundUp(end + size, alignment);
  }
  const disk = await open(path, 'wx', 0o644);
  try {
    const writer = new DigestingWriter(disk);
    await writer.write(withPartitionTable(content.grub, places));
    for (const place of places) {
      await writer.fill(place.start);
      for await (const chunk of createReadStream(place.file, { signal })) {
        await writer.write(chunk as Buffer);
      }
    }
    await writer.fill(end);
    await disk.sync();
    return { digest: writer.digest(), size: end };
  } finally {
    await disk.close();
  }
}

interface Place {
  file: string;
  start: number;
  size: number;
}

class DigestingWriter {
  private readonly hash = createHash('sha256');
  private readonly disk: FileHandle;
  private position = 0;

  constructor(disk: FileHandle) {
    this.disk = disk;
  }

  async write(bytes: Buffer): Promise<void> {
    await this.disk.writeFile(bytes);
    this.hash.update(bytes);
    this.position += bytes.length;
  }

  async fill(until: number): Promise<void> {
    await this.write(Buffer.alloc(until - this.position));
  }

  digest(): string {
    return this.hash.digest('hex');
  }
}

/** Four entries of 16 bytes at 446. Cylinders and heads are of no meaning any more. */
function withPartitionTable(grub: Buffer, places: Place[]): Buffer {
  const bytes = Buffer.from(grub);
  bytes.fill(0, 446, 510);
  places.forEach((place, index) => {
    const entry = 446 + 16 * index;
    bytes.writeUInt8(index === 0 ? 0x80 : 0, entry);
    bytes.writeUInt8(0x83, entry + 4);
    bytes.writeUInt32LE(place.start / sectorBytes, entry + 8);
    bytes.writeUInt32LE(place.size / sectorBytes, entry + 12);
  });
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
