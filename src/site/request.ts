import type { Readable } from 'node:stream';
import { Failure, parseInput } from '../domain/failure.ts';
import { siteRequestSchema, type SiteRequest } from '../domain/site-verbs.ts';

const maxLineBytes = 8 * 1024 ** 2;
const maxDepth = 32;

export interface Incoming {
  request: SiteRequest;
  /** The raw bytes behind the request line; exactly so many. */
  readBody: (length: number) => Promise<Buffer>;
}

/**
 * Reads one request line, and later its body. Does not wait for the end of the input.
 *
 * @throws {Failure} Protocol if the input ends early or is too long, BadInput if it is not a request.
 */
export async function readRequest(input: Readable): Promise<Incoming> {
  const reader = createReader(input);
  const line = await reader.readLine();
  return {
    request: parseInput(siteRequestSchema, parseJson(line), 'the request'),
    readBody: (length) => reader.readExactly(length),
  };
}

function parseJson(line: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Failure('Protocol', 'the request is not one line of JSON', { cause: error });
  }
  if (depthOf(value) > maxDepth) throw new Failure('BadInput', 'the request is nested too deeply');
  return value;
}

/** Depth of nesting, not looked at beyond what is allowed. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return depth;
  return Math.max(depth, ...Object.values(value).map((each) => depthOf(each, depth + 1)));
}

function createReader(input: Readable) {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<Buffer> {
    const next = await chunks.next();
    if (next.done) throw new Failure('Protocol', 'the request ended before it was whole');
    return next.value;
  }
  return {
    async readLine(): Promise<string> {
      const parts: Buffer[] = [];
      for (let size = 0; ;) {
        const chunk = await more();
        const end = chunk.indexOf(0x0a);
        const part = end < 0 ? chunk : chunk.subarray(0, end);
        size += part.length;
        if (size > maxLineBytes) {
          throw new Failure('Protocol', `the request is longer than ${maxLineBytes} bytes`);
        }
        parts.push(part);
        if (end < 0) continue;
        rest = chunk.subarray(end + 1);
        return Buffer.concat(parts).toString();
      }
    },
    async readExactly(length: number): Promise<Buffer> {
      const parts = [rest];
      for (let size = rest.length; size < length;) {
        const chunk = await more();
        parts.push(chunk);
        size += chunk.length;
      }
      const all = Buffer.concat(parts);
      rest = all.subarray(length);
      return all.subarray(0, length);
    },
  };
}
