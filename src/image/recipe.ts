import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import type { Account, Roll } from '../rolls/roll.ts';
import { directory, file, link, renderTar, type TarEntry } from '../rolls/tar.ts';

/** Everything that goes into an image but the packages' own files. */
export interface Recipe {
  /** SHA-256: the same recipe needs no second build. */
  digest: string;
  /** Code name of the Debian release. */
  suite: string;
  packages: string[];
  accounts: Account[];
  /** What is laid over the root. */
  entries: TarEntry[];
}

/** The machine's own package sources are for this release. */
const osRelease = '/etc/os-release';

export async function readRecipe(rolls: Roll[]): Promise<Recipe> {
  return planRecipe(rolls, debianSuite(await readFile(osRelease, 'utf8')), await ownSource());
}

/** @param source of the code that builds: another version of it is another recipe. */
export function planRecipe(rolls: Roll[], suite: string, source: Buffer): Recipe {
  const tools = rolls.flatMap((roll) => roll.build?.tools ?? []);
  const modules = rolls.flatMap((roll) => roll.modules ?? []);
  const entries = [
    ...rolls.flatMap((roll) => roll.image),
    ...(['frontend', 'compute'] as const).map((appliance) =>
      file(
        `etc/systemd/system/mvc-${appliance}.target`,
        renderTarget(
          appliance,
          rolls.flatMap((roll) => roll.services[appliance]),
        ),
      ),
    ),
    ...rolls
      .flatMap((roll) => roll.masked)
      .map((unit) => link(`etc/systemd/system/${unit}`, '/dev/null')),
    directory('srv/boot'),
    file('mvc-build/tools.list', tools.map((name) => `${name}\n`).join('')),
    file('mvc-build/modules.list', modules.map((name) => `${name}\n`).join('')),
    ...rolls.flatMap((roll) =>
      roll.build ? [file(`mvc-build/${roll.name}.build`, roll.build.script)] : [],
    ),
  ];
  const packages = rolls.flatMap((roll) => roll.packages);
  const accounts = rolls.flatMap((roll) => roll.accounts);
  const digest = createHash('sha256')
    .update(JSON.stringify({ suite, packages, accounts }))
    .update(renderTar(entries))
    .update(source)
    .digest('hex');
  return { digest, suite, packages, accounts, entries };
}

/** @throws {Failure} MissingTool if this machine is not a Debian. */
export function debianSuite(release: string): string {
  const value = (name: string) => new RegExp(`^${name}="?([a-z]+)"?$`, 'm').exec(release)?.[1];
  const suite = value('VERSION_CODENAME');
  if (value('ID') === 'debian' && suite !== undefined) return suite;
  throw new Failure('MissingTool', 'the node image can only be built on a Debian release', {
    help: 'run the control worker on a Debian machine or in a Debian container',
  });
}

function renderTarget(appliance: string, services: string[]): string {
  const units = services.map((service) => `${service}.service`).join(' ');
  return [
    '[Unit]',
    `Description=Virtual cluster ${appliance}`,
    'Requires=basic.target',
    `Wants=${units}`,
    `After=basic.target ${units}`,
    'AllowIsolate=yes',
    '',
  ].join('\n');
}

async function ownSource(): Promise<Buffer> {
  const directories = [import.meta.dirname, join(import.meta.dirname, 'files')];
  const hash = createHash('sha256');
  for (const each of directories) {
    for (const name of (await readdir(each, { withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .toSorted()) {
      hash.update(`${name}\n`).update(await readFile(join(each, name)));
    }
  }
  return hash.digest();
}
