import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../transport/durable-file.ts';
import type { Shell } from '../../transport/shell.ts';
import { runChecked } from './run-checked.ts';
import { checkService, createServiceFiles, digestOf } from './service-files.ts';
import type { SeenService, Service, Supervisor } from './supervisor.ts';

/**
 * Services as systemd units.
 *
 * @param options.unitDirectory usually /etc/systemd/system.
 * @param options.root where the services' own directories are.
 */
export function createSystemdSupervisor(options: {
  shell: Shell;
  unitDirectory: string;
  root: string;
}): Supervisor {
  const { shell } = options;
  const files = createServiceFiles(options.root);
  const unitFile = (name: string) => join(options.unitDirectory, `${name}.service`);
  const systemctl = (...args: string[]) => runChecked(shell, ['systemctl', ...args], 60_000);

  /** @returns whether its files changed. */
  async function write(service: Service): Promise<boolean> {
    const found = await files.read(service.name);
    checkService(service, found);
    if (found?.digest === digestOf(service)) return false;
    await files.begin(service);
    await writeDurably(files.path(service.name, 'environment'), renderEnvironment(service.env));
    await files.fill(service);
    await writeDurably(unitFile(service.name), renderUnit(service.name, files.path(service.name)));
    return true;
  }

  return {
    async ensure(services) {
      const changed: Service[] = [];
      for (const service of services) if (await write(service)) changed.push(service);
      if (changed.length > 0) {
        await systemctl('daemon-reload');
        await systemctl('restart', '--no-block', ...changed.map((service) => service.name));
      }
      const names = services.map((service) => service.name);
      if (names.length > 0) await systemctl('enable', '--now', '--no-block', ...names);
      for (const service of changed) await files.commit(service);
    },
    async remove(names) {
      const known = await files.list('mvc-');
      const present = names.filter((name) => known.includes(name));
      if (present.length === 0) return;
      await systemctl('disable', '--now', ...present);
      await Promise.all(present.map((name) => rm(unitFile(name), { force: true })));
      await systemctl('daemon-reload');
      // Only those that failed have a state to forget; the others make it end with an error.
      await shell.run(['systemctl', 'reset-failed', ...present]);
      await Promise.all(present.map((name) => files.remove(name)));
    },
    async describe(prefix) {
      const names = await files.list(prefix);
      if (names.length === 0) return [];
      // One word per unit; a non-zero status only says that one of them is not active.
      const { stdout } = await shell.run(['systemctl', 'is-active', ...names]);
      const states = stdout.trim().split('\n');
      const services = await Promise.all(
        names.map(async (name, at): Promise<SeenService[]> => {
          const definition = await files.read(name);
          if (!definition) return [];
          const { mark, env } = definition;
          const up = states[at] === 'active';
          return [{ name, ...(mark ? { mark } : {}), env, up, directory: files.path(name) }];
        }),
      );
      return services.flat();
    },
  };
}

/** The unit of a service whose script is in this directory. */
export function renderUnit(name: string, directory: string): string {
  return `[Unit]
Description=Multi-site virtual cluster: ${name}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
WorkingDirectory=${directory}
EnvironmentFile=${join(directory, 'environment')}
ExecStart=${join(directory, 'script')}
StandardOutput=null
StandardError=null
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=15

[Install]
WantedBy=multi-user.target
`;
}

/** Values were checked to need no escapes. */
export function renderEnvironment(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([variable, value]) => `${variable}="${value}"\n`)
    .join('');
}
