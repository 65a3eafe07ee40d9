import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../domain/failure.ts';
import { ensureFile } from '../transport/durable-file.ts';

/** Where an installation keeps everything it knows. Nothing of ours is written elsewhere. */
export interface Home {
  root: string;
  /** State of the running services; worth nothing after a reboot. */
  run: string;
  logs: string;
  /** Keys and passwords; mode 0700. */
  secrets: string;
  /** Ports in use and other choices that were made once. */
  configFile: string;
  /** What runs, with process ids and ports: written by the supervisor alone. */
  servicesFile: string;
  /** Names of the registered sites, kept by the control worker for the site worker. */
  sitesFile: string;
  postgresDir: string;
  temporalDir: string;
  /** Built node images; MVC_IMAGES lets several installations share them. */
  images: string;
}

/** The directory of this program: where `src` and `node_modules` are. */
export const programRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * The paths of the installation named by MVC_HOME, else of the user's own one.
 *
 * @throws {Failure} BadInput if MVC_HOME is not an absolute path.
 */
export function mvcHome(env: NodeJS.ProcessEnv = process.env): Home {
  const root = env['MVC_HOME'] || join(env['XDG_DATA_HOME'] || userData(), 'mvc');
  if (!isAbsolute(root)) {
    throw new Failure('BadInput', `MVC_HOME must be an absolute path, not "${root}"`, {
      help: 'set MVC_HOME to a path that begins with /',
    });
  }
  return {
    root,
    run: join(root, 'run'),
    logs: join(root, 'logs'),
    secrets: join(root, 'secrets'),
    configFile: join(root, 'config.json'),
    servicesFile: join(root, 'run', 'services.json'),
    sitesFile: join(root, 'run', 'sites.json'),
    postgresDir: join(root, 'postgres'),
    temporalDir: join(root, 'temporal'),
    images: env['MVC_IMAGES'] || join(root, 'images'),
  };
}

function userData(): string {
  return join(homedir(), '.local', 'share');
}

/**
 * Makes the installation's directories, readable by their owner alone.
 *
 * @throws {Failure} Forbidden if the directory belongs to somebody else.
 */
export async function ensureHome(home: Home): Promise<void> {
  await mkdir(home.root, { recursive: true, mode: 0o700 });
  const { uid } = await stat(home.root);
  if (uid !== process.getuid?.()) {
    throw new Failure('Forbidden', `${home.root} belongs to user ${uid}, not to the one you are`, {
      help: 'run as that user, or set MVC_HOME to a directory of your own',
    });
  }
  for (const path of [home.run, home.logs, home.secrets, home.temporalDir]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  await chmod(home.root, 0o700);
  await chmod(home.secrets, 0o700);
}

/** The identity that marks everything of this installation, at the sites and here. Made once. */
export async function installationId(home: Home): Promise<string> {
  await ensureHome(home);
  const text = await ensureFile(join(home.root, 'installation-id'), () =>
    Buffer.from(`${randomUUID()}\n`),
  );
  return text.toString('utf8').trim();
}

/** The key that seals secrets at rest: 32 random bytes, made once. */
export async function secretsKey(home: Home): Promise<Buffer> {
  await ensureHome(home);
  return await ensureFile(join(home.secrets, 'key'), () => randomBytes(32));
}

/** A password kept in a file of its own, made once. */
export async function keptPassword(home: Home, name: string): Promise<string> {
  await ensureHome(home);
  const text = await ensureFile(join(home.secrets, name), () =>
    Buffer.from(randomBytes(24).toString('base64url')),
  );
  return text.toString('utf8').trim();
}

/** The key that seals the secrets in the database. */
export function vaultKeyFile(home: Home): string {
  return join(home.secrets, 'vault-key');
}
