import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../domain/failure.ts';
import type { Site } from '../../domain/site.ts';
import type { Home } from '../../installation/home.ts';
import { readKeyFile } from '../../transport/key-file.ts';
import { fail, failed, ok, warn, type Finding } from './check.ts';

/** A file or directory that holds secrets. */
export interface SecretPath {
  path: string;
  uid: number;
  /** Permission bits. */
  mode: number;
}

/** What others may read or belongs to others; one line if nothing does. */
export function judgeSecrets(paths: SecretPath[], ownUid: number): Finding[] {
  const wrong = paths.flatMap(({ path, uid, mode }) => {
    if (uid !== ownUid) {
      const help = `give it to the account of the services: chown ${ownUid} ${path}`;
      return [fail('secrets', `${path} belongs to user ${uid}`, help)];
    }
    if ((mode & 0o077) === 0) return [];
    const told = `${path} is open to other accounts (mode 0${(mode & 0o777).toString(8)})`;
    return [
      fail('secrets', told, `chmod go= ${path}; replace what it holds if others may have read it`),
    ];
  });
  if (wrong.length > 0) return wrong;
  return [ok('secrets', `${paths.length} files and directories are closed to other accounts`)];
}

export async function checkSecrets(home: Home): Promise<Finding[]> {
  const names = await readdir(home.secrets, { recursive: true });
  const paths = [home.root, home.secrets, ...names.map((name) => join(home.secrets, name))];
  const found = await Promise.all(
    paths.map(async (path) => {
      const { uid, mode } = await lstat(path);
      return { path, uid, mode: mode & 0o777 };
    }),
  );
  return judgeSecrets(found, process.getuid?.() ?? 0);
}

/** Each site's private key, as its worker wants it. */
export async function checkSiteKeys(sites: Site[]): Promise<Finding[]> {
  const findings = sites.map(async (site) => {
    if (site.kind !== 'libvirt') return [];
    const subject = `key of ${site.name}`;
    try {
      await readKeyFile(site.key);
      return [ok(subject, `${site.key} can be read by this account alone`)];
    } catch (error) {
      if (!isMissing(error)) return [failed(subject, error)];
      const help = 'that is right if its site worker runs elsewhere; otherwise put the key there';
      return [warn(subject, `${site.key} is not on this machine`, help)];
    }
  });
  return (await Promise.all(findings)).flat();
}

function isMissing(error: unknown): boolean {
  const cause: unknown = error instanceof Failure ? error.cause : undefined;
  return (cause as { code?: unknown } | undefined)?.code === 'ENOENT';
}
