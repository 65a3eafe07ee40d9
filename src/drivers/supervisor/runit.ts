import { lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreAbsent, syncDirectory, writeDurably } from '../../transport/durable-file.ts';
import type { Shell } from '../../transport/shell.ts';
import { runChecked } from './run-checked.ts';
import { checkService, createServiceFiles, digestOf } from './service-files.ts';
import type { SeenService, Service, Supervisor } from './supervisor.ts';

/** Longer than a script takes to end its program, first kindly and then not. */
const stopSeconds = 15;

/** Standard output and error are closed to the outside: what a program says stays in its directory. */
const runScript = `#!/bin/sh
exec >/dev/null 2>&1 </dev/null
exec chpst -e ./env ./script
`;

/**
 * Services under runit: \`runsvdir\` watches the scan directory, in which each of ours is a link.
 *
 * @param options.scanDirectory usually /etc/service; a new link is seen there within five seconds.
 * @param options.root where the services' own directories are.
 */
export function createRunitSupervisor(options: {
  shell: Shell;
  scanDirectory: string;
  root: string;
}): Supervisor {
  const { shell, scanDirectory } = options;
  const files = createServiceFiles(options.root);
  const link = (name: string) => join(scanDirectory, name);

  async function statuses(names: string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const directories = names.map((name) => files.path(name));
    const { stdout } = await shell.run(['sv', 'status', ...directories]);
    const lines = stdout.split('\n');
    return directories.map(
      (directory) => lines.find((line) => line.includes(`: ${directory}:`)) ?? 'unknown',
    );
  }
  const sv = (verb: string, name: string) =>
    runChecked(
      shell,
      ['sv', '-w', String(stopSeconds), verb, files.path(name)],
      (stopSeconds + 10) * 1000,
    );

  async function ensureOne(service: Service, status: string): Promise<void> {
    const found = await files.read(service.name);
    checkService(service, found);
    const changed = found?.digest !== digestOf(service);
    if (changed) {
      await files.begin(service);
      // All at once: the disk writes them together.
      await Promise.all([
        writeEnvironment(files.path(service.name, 'env'), service.env),
        files.fill(service),
        writeDurably(files.path(service.name, 'run'), runScript, 0o700),
      ]);
    }
    if (!(await ignoreAbsent(lstat(link(service.name))))) {
      await symlink(files.path(service.name).replace(/\/$/, ''), link(service.name));
      await syncDirectory(scanDirectory);
    } else if (changed && isSupervised(status)) {
      await sv('force-restart', service.name);
    } else if (status.startsWith('down:')) {
      await sv('up', service.name);
    }
    if (changed) await files.commit(service);
  }

  async function removeOne(name: string, status: string): Promise<void> {
    // Without its link it is not supervised anew, whatever comes between.
    await rm(link(name), { force: true });
    if (isSupervised(status)) await sv('force-shutdown', name);
    await files.remove(name);
  }

  return {
    async ensure(services) {
      const seen = await statuses(services.map((service) => service.name));
      await Promise.all(services.map((service, at) => ensureOne(service, seen[at] ?? '')));
    },
    async remove(names) {
      const seen = await statuses(names);
      await Promise.all(names.map((name, at) => removeOne(name, seen[at] ?? '')));
    },
    async describe(prefix) {
      const names = await files.list(prefix);
      const seen = await statuses(names);
      const services = await Promise.all(
        names.map(async (name, at): Promise<SeenService[]> => {
          const definition = await files.read(name);
          if (!definition) return [];
          const { mark, env } = definition;
          const up = seen[at]?.startsWith('run:') ?? false;
          return [{ name, ...(mark ? { mark } : {}), env, up, directory: files.path(name) }];
        }),
      );
      return services.flat();
    },
  };
}

/** `sv` reaches its supervising process, so it must be told to end. */
function isSupervised(status: string): boolean {
  return /^(?:run|down|finish):/.test(status);
}

/** One file per variable, as chpst reads them. */
async function writeEnvironment(directory: string, env: Record<string, string>): Promise<void> {
  // Also without a variable: chpst insists on it.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await Promise.all(
    Object.entries(env).map(([variable, value]) =>
      writeDurably(join(directory, variable), `${value}\n`),
    ),
  );
  const found = (await ignoreAbsent(readdir(directory))) ?? [];
  const stale = found.filter((variable) => !(variable in env));
  await Promise.all(stale.map((variable) => rm(join(directory, variable))));
}
