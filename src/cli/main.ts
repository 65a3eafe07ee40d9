#!/usr/bin/env node
import { CommanderError } from 'commander';
import './output.ts';
import { programFor } from './program.ts';
import { usageError, usageErrorJson } from './usage-error.ts';

const words = process.argv.slice(2);
/** What follows `--` is a command for elsewhere. */
const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
const json = own.includes('--json') || own.includes('--events');

try {
  const program = await programFor(words, { silent: json });
  await program.parseAsync();
} catch (error) {
  process.exitCode = await endedWith(error);
}

/** Says what went wrong, unless commander has said it, and returns the exit code. */
async function endedWith(error: unknown): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (json) process.stderr.write(`${usageErrorJson(error.message)}\n`);
    return usageError.exitCode;
  }
  const { reportError } = await import('./errors.ts');
  return await reportError(error, { json });
}
