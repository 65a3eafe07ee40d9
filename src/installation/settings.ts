import type { NativeConnectionOptions } from '@temporalio/worker';
import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';
import { keptPassword, mvcHome, type Home } from './home.ts';
import { isAlive } from './process-id.ts';
import {
  readServicesState,
  type ServiceName,
  type ServiceRecord,
  type ServicesState,
} from './services-state.ts';

/** How to reach the workflow engine; `connection` goes to a client's or worker's `connect`. */
export interface TemporalSettings {
  address: string;
  namespace: string;
  connection: Pick<NativeConnectionOptions, 'tls' | 'metadata'> & {
    address: string;
    apiKey?: string;
  };
}

export interface PostgresSettings {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

export interface ConnectionSettings {
  temporal: TemporalSettings;
  postgres: PostgresSettings;
  /** The engine's web interface; unknown for a server that is not ours, unless MVC_UI_URL says. */
  uiUrl: string | undefined;
}

/**
 * What the command line, the client and the control worker need to reach Temporal and PostgreSQL.
 * The environment (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE; PGHOST and the other
 * PG variables) goes before the embedded services.
 *
 * @throws {Failure} Unreachable if the embedded services are meant and do not run.
 */
export async function connectionSettings(home: Home = mvcHome()): Promise<ConnectionSettings> {
  const [temporal, postgres, uiUrl] = await Promise.all([
    temporalSettings(home),
    postgresSettings(home),
    findUiUrl(home),
  ]);
  return { temporal, postgres, uiUrl };
}

/** As {@link connectionSettings}, for a site worker, which never touches the database. */
export async function temporalSettings(home: Home = mvcHome()): Promise<TemporalSettings> {
  if (namesEngine(process.env)) return await engineFromEnvironment();
  const { record } = await requireRunning(home, 'temporal', 'Temporal');
  const address = `127.0.0.1:${record.port}`;
  return { address, namespace: 'default', connection: { address } };
}

/** As {@link connectionSettings}, for what needs the database alone. */
export async function postgresSettings(home: Home = mvcHome()): Promise<PostgresSettings> {
  const env = process.env;
  if (env['PGHOST']) {
    return {
      host: env['PGHOST'],
      port: Number(env['PGPORT'] ?? 5432),
      user: env['PGUSER'] ?? 'mvc',
      password: await passwordFromEnvironment(env),
      database: env['PGDATABASE'] ?? 'mvc',
    };
  }
  const { record } = await requireRunning(home, 'postgres', 'PostgreSQL');
  return await embeddedPostgresSettings(home, record.port ?? 0);
}

/** How our own database is reached, whether it runs or not. */
export async function embeddedPostgresSettings(
  home: Home,
  port: number,
): Promise<PostgresSettings> {
  const password = await keptPassword(home, 'postgres-password');
  return { host: '127.0.0.1', port, user: 'mvc', password, database: 'mvc' };
}

function namesEngine(env: NodeJS.ProcessEnv): boolean {
  return ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].some(
    (name) => (env[name] ?? '') !== '',
  );
}

async function engineFromEnvironment(): Promise<TemporalSettings> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const { tls, metadata, apiKey } = connectionOptions;
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  return {
    address,
    namespace: namespace ?? 'default',
    connection: {
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
    },
  };
}

async function passwordFromEnvironment(env: NodeJS.ProcessEnv): Promise<string> {
  const file = env['MVC_POSTGRES_PASSWORD_FILE'];
  if (!file) return env['PGPASSWORD'] ?? '';
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Failure('BadInput', `the password file ${file} cannot be read`, {
      help: 'MVC_POSTGRES_PASSWORD_FILE must name a file that you may read',
      cause: error,
    });
  }
}

async function findUiUrl(home: Home): Promise<string | undefined> {
  const url = process.env['MVC_UI_URL'];
  if (url) return url;
  if (namesEngine(process.env)) return undefined;
  const state = await readServicesState(home);
  return state && `http://127.0.0.1:${state.ports.ui}`;
}

/** The service's record, if its process lives: with its supervisor or, for a while, without. */
async function requireRunning(
  home: Home,
  name: ServiceName,
  title: string,
): Promise<{ state: ServicesState; record: ServiceRecord }> {
  const state = await readServicesState(home);
  const record = state?.services.find((service) => service.name === name);
  if (state && record?.state === 'running' && (await isAlive(record.process))) {
    return { state, record };
  }
  throw new Failure('Unreachable', `${title} is not running (state in ${home.root})`, {
    help: 'run `mvc up`; `mvc status` says what is wrong if that does not help',
  });
}
