import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import { renderTar } from '../rolls/tar.ts';
import type { Recipe } from './recipe.ts';
import { run } from './run.ts';

const packageSources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

/** What nobody reads in a node: half of the files of a package. */
const excluded = ['man', 'doc', 'info', 'locale', 'lintian'];

/** Constant, since mmdebstrap gives hooks to a shell; what varies is in the environment. */
const hooks = {
  // Before any package makes them: under the same number in every image.
  accounts:
    'cat "$MVC_BUILD/passwd" >> "$1/etc/passwd" && cat "$MVC_BUILD/group" >> "$1/etc/group" && cat "$MVC_BUILD/shadow" >> "$1/etc/shadow"',
  pack: 'sh "$MVC_BUILD/pack-root.sh" "$1" "$MVC_BUILD"',
};

export interface BuildOptions {
  signal?: AbortSignal;
  onProgress?: (note: string) => void;
}

/**
 * Installs the packages into a new root and packs it. Leaves in `out` of the build directory:
 * root.squashfs, vmlinuz, busybox, and the kernel's modules for the first stage.
 */
export async function buildRoot(
  build: string,
  recipe: Recipe,
  { signal, onProgress }: BuildOptions,
): Promise<string> {
  const asRoot = process.getuid?.() === 0;
  const out = join(build, 'out');
  await mkdir(out);
  // Without root, the hooks run as another id than ours.
  if (!asRoot) await chmod(out, 0o777);
  await writeInputs(build, recipe);
  const sources = await findSources();
  await run(
    [
      ...(asRoot ? isolated : ([] as const)),
      'mmdebstrap',
      `--mode=${asRoot ? 'root' : 'unshare'}`,
      '--variant=minbase',
      '--format=null',
      ...excluded.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      '--dpkgopt=force-unsafe-io',
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Languages "none"',
      `--include=${recipe.packages.join(',')}`,
      `--essential-hook=${hooks.accounts}`,
      `--customize-hook=${hooks.pack}`,
      recipe.suite,
      '-',
      sources,
    ] as unknown as readonly [string, ...string[]],
    {
      ...(signal ? { signal } : {}),
      env: { MVC_BUILD: build, TMPDIR: build },
      onLine: (line) => {
        const note = /^I: (.*)/.exec(line)?.[1];
        if (note !== undefined && !note.startsWith('running')) onProgress?.(`image: ${note}`);
      },
    },
  );
  return out;
}

/** Whatever it starts and mounts is gone when it is, even if it is killed. */
const isolated = [
  'unshare',
  '--mount',
  '--propagation=private',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--mount-proc',
  '--',
] as const;

async function writeInputs(build: string, recipe: Recipe): Promise<void> {
  const lines = (format: (account: (typeof recipe.accounts)[number]) => string) =>
    recipe.accounts.map((account) => `${format(account)}\n`).join('');
  const passwd = lines(({ name, id, home, shell }) => `${name}:x:${id}:${id}::${home}:${shell}`);
  const files: Record<string, string | Buffer> = {
    'static.tar': renderTar(recipe.entries),
    passwd,
    group: lines(({ name, id }) => `${name}:x:${id}:`),
    // No password fits, but the account is not locked: sshd lets keys in.
    shadow: lines(({ name }) => `${name}:*:19000:0:99999:7:::`),
    accounts: lines(({ name, id }) => `${name}:x:${id}:${id}`),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(build, name), content, { mode: 0o644 });
  }
  for (const name of ['pack-root.sh', 'in-root.sh']) {
    await copyFile(join(import.meta.dirname, 'files', name), join(build, name));
    await chmod(join(build, name), 0o644);
  }
}

/** The build machine's own sources of Debian packages. */
async function findSources(): Promise<string> {
  for (const path of packageSources) {
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile && (await readFile(path, 'utf8')).trim() !== '') return path;
  }
  throw new Failure('MissingTool', `this machine has no package sources of Debian`, {
    help: `there should be one of ${packageSources.join(', ')}`,
  });
}
