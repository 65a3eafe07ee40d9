import { readFile } from 'node:fs/promises';
import type { LineCounter } from 'yaml';
import { Failure } from '../domain/failure.ts';
import type { SpecKind } from '../domain/spec-notes.ts';
import { checkSpec, type Spec, type SpecProblem } from '../domain/spec-problems.ts';

/**
 * Reads and checks a spec, YAML or JSON.
 *
 * @param change fields that were said elsewhere, and go before those in the file.
 * @throws {Failure} BadInput with file, line, column and field of each fault.
 */
export async function readSpecFile<K extends SpecKind>(
  path: string,
  kind: K,
  change: Record<string, unknown> = {},
): Promise<Spec<K>> {
  const { LineCounter, parseDocument, isMap } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(await readText(path), { lineCounter: lines });
  const [fault] = document.errors;
  if (fault) {
    throw new Failure('BadInput', `${place(path, lines, fault.pos[0])}: ${firstLine(fault)}`);
  }
  if (!isMap(document.contents)) throw new Failure('BadInput', `${path} does not hold a ${kind}`);
  const checked = checkSpec(kind, { ...(document.toJS() as object), ...change });
  if ('spec' in checked) return checked.spec;
  const { positionOf } = await import('./yaml-position.ts');
  const sentences = checked.problems.map((problem) => {
    const at = place(path, lines, positionOf(document, problem));
    return `${at}: ${fieldOf(problem)}${problem.message}`;
  });
  throw new Failure('BadInput', sentences.join('\n'), {
    help: `\`mvc schema ${kind}\` prints the schema; docs/specs.md explains every field`,
  });
}

/** @throws {Failure} BadInput. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure('BadInput', `cannot read ${path}: ${why}`);
  }
}

/** `demo.yaml:7:14` */
function place(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}

function fieldOf({ path }: SpecProblem): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
}

/** The rest of YAML's message draws the place, which is said already. */
function firstLine({ message }: Error): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
