import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { programRoot, type Home } from './home.ts';
import { postgresService } from './postgres.ts';
import { markVariable } from './process-id.ts';
import type { Service } from './service.ts';
import type { Ports, ServiceName } from './services-state.ts';
import type { PostgresSettings } from './postgres-settings.ts';
import { temporalService } from './temporal.ts';
import { workerService } from './workers.ts';

/** All that an installation runs, in the order in which it starts; it stops in the reverse one. */
export function installationServices(options: {
  home: Home;
  installation: string;
  ports: Ports;
}): Service[] {
  const { home, installation, ports } = options;
  const envOf = (name: ServiceName) => serviceEnvironment(home, installation, name);
  const services = [
    postgresService({ home, port: ports.postgres, env: envOf('postgres'), migrate }),
    temporalService({ home, port: ports.temporal, uiPort: ports.ui, env: envOf('temporal') }),
  ];
  const workers = [
    { name: 'control-worker', needs: ['postgres', 'temporal'] },
    { name: 'site-worker', needs: ['temporal'] },
  ] satisfies { name: ServiceName; needs: ServiceName[] }[];
  for (const { name, needs } of workers) {
    const address = `127.0.0.1:${ports.temporal}`;
    const env = { ...envOf(name), TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' };
    services.push(workerService({ home, name, needs, env }));
  }
  return services;
}

export function logFile(home: Home, name: ServiceName | 'supervisor'): string {
  return join(home.logs, `${name}.log`);
}

/**
 * The caller's environment without settings for other servers, and with the mark by which the
 * process is known as ours even when the record of it was lost.
 */
export function serviceEnvironment(
  home: Home,
  installation: string,
  name: ServiceName | 'supervisor',
): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !/^(PG|TEMPORAL_)/.test(key));
  return {
    ...Object.fromEntries(kept),
    MVC_HOME: home.root,
    [markVariable]: `${installation}:${name}`,
  };
}

async function migrate(settings: PostgresSettings): Promise<void> {
  const { migrateToLatest } = await import('../store/migrate.ts');
  await migrateToLatest(settings);
}

/** Makes the directory of the logs and returns where the supervisor's own log is. */
export async function supervisorLog(home: Home): Promise<string> {
  await mkdir(home.logs, { recursive: true, mode: 0o700 });
  return logFile(home, 'supervisor');
}

export const supervisorProgram = join(programRoot, 'src', 'installation', 'supervisor.ts');
