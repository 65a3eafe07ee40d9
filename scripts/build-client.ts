import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/**
 * `npm run build:client`: the typed client as a package for other programs, in dist/client (or the
 * directory that is given). Node strips no types below node_modules, so its code is built; of the
 * declarations only those are in it that the client's own ones reach.
 */
const run = promisify(execFile);
const root = dirname(import.meta.dirname);
const output = process.argv[2] ?? join(root, 'dist', 'client');
const entry = 'client/index';

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
const packages = await bundle();
await writeDeclarations();
await writeManifest(packages);

/** @returns the packages that the code imports. */
async function bundle(): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join('src', `${entry}.ts`)],
    outfile: join(output, `${entry}.js`),
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node22',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
  });
  const imported = Object.values(metafile.outputs).flatMap((each) => each.imports);
  const names = imported.map(({ path }) => path).filter((path) => !path.startsWith('node:'));
  return [...new Set(names)].toSorted();
}

async function writeDeclarations(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'mvc-declarations-'));
  try {
    const compiler = join(root, 'node_modules', '.bin', 'tsc');
    await run(compiler, ['-p', join(root, 'tsconfig.client.json'), '--outDir', scratch]);
    await copyReachable(scratch, join(scratch, `${entry}.d.ts`), new Set());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function copyReachable(from: string, file: string, seen: Set<string>): Promise<void> {
  if (seen.has(file)) return;
  seen.add(file);
  const text = await readFile(file, 'utf8');
  const target = join(output, relative(from, file));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  for (const [, path = ''] of text.matchAll(/from '(\.[^']*)\.ts'/g)) {
    await copyReachable(from, join(dirname(file), `${path}.d.ts`), seen);
  }
}

async function writeManifest(packages: string[]): Promise<void> {
  const ours = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string;
    license: string;
    dependencies: Record<string, string>;
  };
  const manifest = {
    name: 'mvc-client',
    version: ours.version,
    description: 'Builds, watches and removes the clusters of an MVC controller',
    license: ours.license,
    type: 'module',
    engines: { node: '>=22' },
    exports: { '.': { types: `./${entry}.d.ts`, default: `./${entry}.js` } },
    dependencies: Object.fromEntries(packages.map((name) => [name, ours.dependencies[name]])),
  };
  await writeFile(join(output, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
