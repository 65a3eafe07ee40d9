import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../helpers/command-line.ts';

const main = join(import.meta.dirname, '..', '..', 'src/cli/main.ts');

/** Tells on stderr, at the end, the packages that were loaded. */
const teller = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
      if (name) packages.add(name);
      return next(url, context);
    },
  });
  process.on('exit', () => process.stderr.write(JSON.stringify([...packages])));`;

async function packagesOf(...argv: string[]): Promise<string[]> {
  const { exitCode, stderr } = await runProgram(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(teller)}`, main, ...argv],
    { ...process.env, MVC_HOME: '/nonexistent/mvc' },
  );
  expect(exitCode).toBe(0);
  return JSON.parse(stderr) as string[];
}

test('the list of commands is printed without loading any of them', async () => {
  expect(await packagesOf('--help')).toEqual(['commander']);
});

test('the help of a command loads neither the database client nor the engine client', async () => {
  for (const command of ['list', 'create', 'history']) {
    const packages = await packagesOf(command, '--help');
    expect(packages).not.toContain('pg');
    expect(packages.filter((name) => name.startsWith('@temporalio/'))).toEqual([]);
  }
});
