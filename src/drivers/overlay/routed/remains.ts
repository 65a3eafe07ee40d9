import { sameMark, type Mark } from '../../../domain/mark.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { listInterfaces } from '../interfaces.ts';
import { removeOwnTables } from '../nft-tables.ts';
import { hubPrefix, portPrefix } from '../vxlan/names.ts';
import { bridgePrefix, fenceTable, guardTable, linkPrefix, outsideTable } from './names.ts';

/**
 * Removes the cluster's bridges and links at this container but those that stay, and, when none stays,
 * its rules and its unreachable range. Their services have ended before.
 */
export async function removeRemains(
  shell: Shell,
  mark: Mark,
  { devices }: { devices: string[] },
): Promise<void> {
  const { clusterId } = mark;
  const prefixes = [bridgePrefix, linkPrefix, hubPrefix, portPrefix].map((of) => of(clusterId));
  const leaving = (await listInterfaces(shell)).filter(
    (each) =>
      prefixes.some((prefix) => each.name.startsWith(prefix)) &&
      // A device that is just being made has no mark yet; its name has the cluster's id.
      (each.mark === undefined || sameMark(each.mark, mark)) &&
      !devices.includes(each.name),
  );
  for (const { name } of leaving) await runChecked(shell, ['ip', 'link', 'delete', 'dev', name]);
  if (devices.length > 0) return;
  const tables = [guardTable, fenceTable, outsideTable].map((of) => of(clusterId));
  await removeOwnTables(shell, mark, tables);
}
