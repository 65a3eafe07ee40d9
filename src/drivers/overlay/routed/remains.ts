import { sameMark, type Mark } from '../../../domain/mark.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { listInterfaces } from '../interfaces.ts';
import { removeOwnTables } from '../nft-tables.ts';
import { fenceTable, guardTable, linkPrefix, outsideTable } from './names.ts';

/**
 * Removes the cluster's bridges and links at this container but those that stay, and, when none stays,
 * its rules. Their services have ended before.
 *
 * @param options.prefixes how the names of the bridges, and what joins them, begin.
 * @param options.devices those that stay.
 */
export async function removeRemains(
  shell: Shell,
  mark: Mark,
  { prefixes, devices }: { prefixes: string[]; devices: string[] },
): Promise<void> {
  const { clusterId } = mark;
  const own = [linkPrefix(clusterId), ...prefixes];
  const leaving = (await listInterfaces(shell)).filter(
    (each) =>
      own.some((prefix) => each.name.startsWith(prefix)) &&
      // A device that is just being made has no mark yet; its name has the cluster's id.
      (each.mark === undefined || sameMark(each.mark, mark)) &&
      !devices.includes(each.name),
  );
  for (const { name } of leaving) await runChecked(shell, ['ip', 'link', 'delete', 'dev', name]);
  if (devices.length > 0) return;
  const tables = [guardTable, fenceTable, outsideTable].map((of) => of(clusterId));
  await removeOwnTables(shell, mark, tables);
}
