#!/usr/bin/env node
import { CommanderError } from 'commander';
import { reportError } from './errors.ts';
import { programFor } from './program.ts';

const usageExitCode = 2;

try {
  const program = await programFor(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageExitCode;
  else process.exitCode = reportError(error);
}
