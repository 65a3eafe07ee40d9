import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readPlan, removeFiles, type LabDirectory } from './directory.ts';
import { namespaceOf } from './plan.ts';
import { findInNamespace, findProcesses, killAll } from './processes.ts';
import { run } from './run.ts';

const namespaces = '/run/netns';

/**
 * Removes everything that carries the lab's mark, whether or not a plan of it was written. May be
 * repeated, and called at any moment of a making that broke off.
 *
 * @returns false if there was nothing.
 */
export async function removeLab(directory: LabDirectory): Promise<boolean> {
  const { id } = directory;
  const plan = await readPlan(directory);
  const found = plan !== undefined || ownNamespaces(id).length > 0 || findProcesses(id).length > 0;
  await killAll(() => findProcesses(id).map((each) => each.pid), 'the lab');
  for (const name of ownNamespaces(id)) {
    const file = `${namespaces}/${name}`;
    // What somebody started in there by hand would keep the namespace alive without a name.
    await killAll(() => findInNamespace(file), `the namespace ${name}`);
    await run(id, ['ip', 'netns', 'del', name]);
  }
  if (plan?.netnsWasMounted === false) await unmountNamespaceDirectory(id);
  await removeFiles(directory);
  return found;
}

function ownNamespaces(id: string): string[] {
  if (!existsSync(namespaces)) return [];
  return readdirSync(namespaces).filter((name) => name.startsWith(namespaceOf(id, '')));
}

/** The first `ip netns add` of a machine leaves a mount behind; it goes with the last namespace. */
async function unmountNamespaceDirectory(id: string): Promise<void> {
  if (namespacesAreMounted() && readdirSync(namespaces).length === 0) {
    await run(id, ['umount', namespaces]);
  }
}

export function namespacesAreMounted(): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${namespaces} `);
}
