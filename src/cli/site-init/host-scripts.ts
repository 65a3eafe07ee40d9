import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../domain/failure.ts';
import { physicalFrontend } from '../../domain/site.ts';
import { ownContainer, type SitePlan } from './site-plan.ts';

/** The script of one host of a new site. */
export interface HostScript {
  host: string;
  /** Where it was written. */
  file: string;
  text: string;
}

/** Makes the site's key, unless it is there. @returns the public half, as a line. */
export async function ensureKey(path: string, site: string): Promise<string> {
  if (!existsSync(path)) {
    const { generateSshKey } = await import('../../transport/ssh-key.ts');
    const key = generateSshKey(`mvc@${site}`);
    await writeFile(path, key.privateKey, { mode: 0o600 });
    await writeFile(`${path}.pub`, `${key.publicKey.trim()}\n`);
  }
  if (existsSync(`${path}.pub`)) return readFile(`${path}.pub`, 'utf8');
  throw new Failure('Conflict', `${path} exists without ${path}.pub`, {
    help: `\`ssh-keygen -yf ${path}\` prints the public half`,
  });
}

/** Writes the script of each host anew: it carries the program of this very version. */
export async function writeScripts(
  directory: string,
  plan: SitePlan,
  publicKey: string,
): Promise<HostScript[]> {
  const [{ renderPrepareScript }, { bundleMvcSite }] = await Promise.all([
    import('../../site/prepare.ts'),
    import('../../site/bundle.ts'),
  ]);
  const program = await bundleMvcSite();
  const written: HostScript[] = [];
  for (const { jumpTo, ...roles } of hostsOf(plan)) {
    const policy = { pool: '/var/lib/mvc', ...roles, udpPorts: plan.udpPorts };
    const text = renderPrepareScript({ policy, publicKey, program, jumpTo });
    const file = join(directory, `${roles.host}.sh`);
    await writeFile(file, text);
    written.push({ host: roles.host, file, text });
  }
  return written;
}

/** Each machine of the site once, with what differs in its policy and its key. */
function hostsOf(plan: SitePlan) {
  const own = ownContainer(plan);
  const jumpTo = [...plan.containers.map((each) => each.address), ...plan.addresses];
  const siteBridges = [plan.bridge];
  return [
    {
      host: physicalFrontend,
      ...(own === undefined ? { siteBridges: [] } : { container: own, siteBridges }),
      jumpTo: jumpTo.map((address) => ({ address })),
    },
    ...plan.containers
      .filter(({ name }) => name !== own)
      .map(({ name }) => ({ host: name, siteBridges, jumpTo: [] })),
  ];
}
