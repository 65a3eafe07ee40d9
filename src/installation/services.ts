import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namesEngine } from './engine-settings.ts';
import { programRoot, type Home } from './home.ts';
import { postgresService } from './postgres.ts';
import { markVariable } from './process-id.ts';
import type { Service } from './service.ts';
import type { Ports, ServiceName } from './services-state.ts';
import type { DatabaseSettings } from '../store/database.ts';
import { namesDatabase } from './postgres-settings.ts';
import { temporalService } from './temporal.ts';
import { workerService } from './workers.ts';

/**
 * All that an installation runs, in the order in which it starts; it stops in the reverse one. A
 * database or an engine that the environment names is not ours to run: the workers use it instead.
 */
export function installationServices(options: {
  home: Home;
  installation: string;
  ports: Ports;
  env?: NodeJS.ProcessEnv;
}): Service[] {
  const { home, installation, ports, env = process.env } = options;
  const envOf = (name: ServiceName) => serviceEnvironment(home, installation, name, env);
  const servers = {
    postgres: () =>
      postgresService({ home, port: ports.postgres, env: envOf('postgres'), migrate }),
    temporal: () =>
      temporalService({ home, port: ports.temporal, uiPort: ports.ui, env: envOf('temporal') }),
  };
  const own = ownServers(env);
  const needed = (...names: ServerName[]) => names.filter((name) => own.includes(name));
  const engine = own.includes('temporal')
    ? { TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`, TEMPORAL_NAMESPACE: 'default' }
    : {};
  const worker = (name: 'control-worker' | 'site-worker', needs: ServerName[]) =>
    workerService({ home, name, needs, env: { ...envOf(name), ...engine } });
  return [
    ...own.map((name) => servers[name]()),
    worker('control-worker', needed('postgres', 'temporal')),
    worker('site-worker', needed('temporal')),
  ];
}

type ServerName = Extract<ServiceName, 'postgres' | 'temporal'>;

/** The servers that are run here since the environment names no others. */
export function ownServers(env: NodeJS.ProcessEnv): ServerName[] {
  return [
    ...(namesDatabase(env) ? [] : (['postgres'] as const)),
    ...(namesEngine(env) ? [] : (['temporal'] as const)),
  ];
}

export function logFile(home: Home, name: ServiceName | 'supervisor'): string {
  return join(home.logs, `${name}.log`);
}

const databaseSettings = /^(PG|MVC_POSTGRES_)/;
const engineSettings = /^(TEMPORAL_|MVC_TEMPORAL_API_KEY_FILE$)/;

/**
 * The caller's environment without settings for servers that the process does not use, and with the
 * mark by which it is known as ours even when the record of it was lost.
 */
export function serviceEnvironment(
  home: Home,
  installation: string,
  name: ServiceName | 'supervisor',
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const own = ownServers(env);
  const withoutDatabase = own.includes('postgres') || name === 'site-worker';
  const kept = Object.entries(env).filter(
    ([key]) =>
      !(withoutDatabase && databaseSettings.test(key)) &&
      !(own.includes('temporal') && engineSettings.test(key)),
  );
  return {
    ...Object.fromEntries(kept),
    MVC_HOME: home.root,
    [markVariable]: `${installation}:${name}`,
  };
}

async function migrate(settings: DatabaseSettings): Promise<void> {
  const { migrateToLatest } = await import('../store/migrate.ts');
  await migrateToLatest(settings);
}

/** Makes the directory of the logs and returns where the supervisor's own log is. */
export async function supervisorLog(home: Home): Promise<string> {
  await mkdir(home.logs, { recursive: true, mode: 0o700 });
  return logFile(home, 'supervisor');
}

export const supervisorProgram = join(programRoot, 'src', 'installation', 'supervisor.ts');
