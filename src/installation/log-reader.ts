import { open, type FileHandle } from 'node:fs/promises';
import { missingAsUndefined } from './files.ts';

const chunkBytes = 1024 * 1024;
/** A line that is longer is no log line; what is beyond is left out. */
const longestLine = 1024 * 1024;

/** Reads a log that grows, line by line; each line once. A log that is not there yet has no lines. */
export class LogReader {
  private readonly path: string;
  private position = 0;
  private rest = Buffer.alloc(0);

  constructor(path: string) {
    this.path = path;
  }

  /** The whole lines that were not read yet. A log that was cut meanwhile is read from its beginning. */
  async *unread(): AsyncGenerator<string> {
    const file = await open(this.path, 'r').catch(missingAsUndefined);
    if (!file) return;
    try {
      if ((await file.stat()).size < this.position) {
        this.position = 0;
        this.rest = Buffer.alloc(0);
      }
      for (;;) {
        const chunk = await this.next(file);
        if (chunk.length === 0) return;
        yield* this.linesOf(chunk);
      }
    } finally {
      await file.close();
    }
  }

  private async next(file: FileHandle): Promise<Buffer> {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(chunkBytes),
      0,
      chunkBytes,
      this.position,
    );
    this.position += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  /** Split as bytes: a character may lie across two chunks. */
  private *linesOf(chunk: Buffer): Generator<string> {
    let text = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const end = text.indexOf(0x0a);
      if (end < 0) break;
      const line = text.subarray(0, end).toString('utf8');
      text = text.subarray(end + 1);
      if (line.trim() !== '') yield line;
    }
    this.rest = text.length > longestLine ? Buffer.alloc(0) : Buffer.from(text);
  }
}

/** The lines of a log from its older part on, which is kept beside it. */
export async function* wholeLog(path: string, reader: LogReader): AsyncGenerator<string> {
  yield* new LogReader(`${path}.1`).unread();
  yield* reader.unread();
}
