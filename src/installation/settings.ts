import { Failure } from '../domain/failure.ts';
import { engineFromEnvironment, namesEngine, type TemporalSettings } from './engine-settings.ts';
import { keptPassword, mvcHome, type Home } from './home.ts';
import { databaseFromEnvironment, namesDatabase } from './postgres-settings.ts';
import type { DatabaseSettings } from '../store/database.ts';
import { isAlive } from './process-id.ts';
import {
  readServicesState,
  type ServiceName,
  type ServiceRecord,
  type ServicesState,
} from './services-state.ts';

export interface ConnectionSettings {
  temporal: TemporalSettings;
  postgres: DatabaseSettings;
  /** The engine's web interface; unknown for a server that is not ours, unless MVC_UI_URL says. */
  uiUrl: string | undefined;
}

/**
 * What the command line, the client and the control worker need to reach Temporal and PostgreSQL.
 * The environment (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE; MVC_POSTGRES_URL or
 * PGHOST) goes before the embedded services.
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
export async function postgresSettings(home: Home = mvcHome()): Promise<DatabaseSettings> {
  if (namesDatabase(process.env)) return await databaseFromEnvironment();
  const { record } = await requireRunning(home, 'postgres', 'PostgreSQL');
  return await embeddedPostgresSettings(home, record.port ?? 0);
}

/** How our own database is reached, whether it runs or not. */
export async function embeddedPostgresSettings(
  home: Home,
  port: number,
): Promise<DatabaseSettings> {
  const password = await keptPassword(home, 'postgres-password');
  return { host: '127.0.0.1', port, user: 'mvc', password, database: 'mvc' };
}

/** Where the engine's web interface is, and the namespace that is ours; undefined if unknown. */
export async function webInterfaceSettings(
  home: Home = mvcHome(),
): Promise<{ url: string; namespace: string } | undefined> {
  const [{ namespace }, url] = await Promise.all([temporalSettings(home), findUiUrl(home)]);
  return url === undefined ? undefined : { url, namespace };
}

/** Where the web interface is; of an engine that is not ours only MVC_UI_URL can say. */
export function webInterface(state: ServicesState | undefined): string | undefined {
  const told = process.env['MVC_UI_URL'];
  if (told) return told;
  const isOurs = state?.services.some(({ name }) => name === 'temporal');
  return isOurs ? `http://127.0.0.1:${state?.ports.ui}` : undefined;
}

async function findUiUrl(home: Home): Promise<string | undefined> {
  return webInterface(namesEngine(process.env) ? undefined : await readServicesState(home));
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
