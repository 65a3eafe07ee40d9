import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * Makes the package `mvc-client` in dist/client: the typed client for programs, as JavaScript with its
 * types. It depends on Temporal's client and zod only; `npm pack ./dist/client` makes the archive.
 */
const root = join(import.meta.dirname, '..');
const target = join(root, 'dist', 'client');
const needed = ['@temporalio/client', '@temporalio/common', 'zod'];

const { version, license, engines, dependencies } = z
  .object({
    version: z.string(),
    license: z.string(),
    engines: z.object({ node: z.string() }),
    dependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

rmSync(target, { recursive: true, force: true });
execFileSync(
  join(root, 'node_modules', '.bin', 'tsc'),
  ['-p', join(root, 'tsconfig.client.json')],
  {
    stdio: 'inherit',
  },
);
cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
cpSync(join(root, 'docs', 'programs.md'), join(target, 'README.md'));
const manifest = {
  name: 'mvc-client',
  version,
  description: 'Starts, watches and ends builds of multi-site HPC clusters by the MVC controller',
  license,
  type: 'module',
  engines,
  exports: { '.': { types: './client/index.d.ts', default: './client/index.js' } },
  dependencies: Object.fromEntries(needed.map((name) => [name, dependencies[name]])),
};
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
