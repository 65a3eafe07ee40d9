import { createInterface } from 'node:readline/promises';
import { Failure } from '../domain/failure.ts';

/** Asks a yes-or-no question; without a terminal nobody can answer, and that is an error. */
export async function confirm(question: string, withoutTerminal: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure('BadInput', `no terminal to ask on: ${withoutTerminal}`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('BadInput', 'nothing was changed');
  } finally {
    lines.close();
  }
}
