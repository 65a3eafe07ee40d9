import { sameMark, type Mark } from '../../../domain/mark.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { supernodeTable } from './firewall.ts';
import { listInterfaces } from '../interfaces.ts';
import { listMarkedTables, removeTables } from '../nft-tables.ts';
import { killOrphans } from './orphans.ts';

/**
 * Removes the cluster's interfaces and firewall tables at this host but those of the edges that stay. Their
 * services have ended before.
 *
 * @param staying environments of the services that stay.
 */
export async function removeRemains(
  shell: Shell,
  mark: Mark,
  staying: Record<string, string>[],
): Promise<void> {
  const kept = new Set(
    staying.flatMap((env) => [env['EDGE_TAP'], env['EDGE_BRIDGE'], env['EDGE_TABLE']]),
  );
  const leaves = (each: { name: string; mark?: Mark }) =>
    each.mark !== undefined && sameMark(each.mark, mark) && !kept.has(each.name);

  const interfaces = (await listInterfaces(shell)).filter(leaves);
  await killOrphans(
    shell,
    interfaces.map((each) => each.name),
  );
  for (const { name } of interfaces) await removeInterface(shell, name);
  const tables = (await listMarkedTables(shell)).filter(leaves);
  await removeTables(
    shell,
    tables.filter((table) => table.name !== supernodeTable(mark.clusterId)),
  );
}

async function removeInterface(shell: Shell, name: string): Promise<void> {
  const { exitCode } = await shell.run(['ip', 'link', 'show', 'dev', name]);
  // A tap goes with its edge.
  if (exitCode === 0) await runChecked(shell, ['ip', 'link', 'delete', 'dev', name]);
}
