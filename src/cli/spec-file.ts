import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';

/**
 * Reads a YAML or JSON document.
 *
 * @throws {Failure} BadInput with file, line and column.
 */
export async function readSpecFile(path: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Failure(
      'BadInput',
      `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new Failure('BadInput', `${path}:${line}:${col}: ${problem.message.split('\n')[0]}`);
  }
  return document.toJS();
}
