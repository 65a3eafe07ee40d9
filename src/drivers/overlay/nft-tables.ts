import { z } from 'zod';
import { Failure } from '../../domain/failure.ts';
import { sameMark, type Mark } from '../../domain/mark.ts';
import type { Shell } from '../../transport/shell.ts';
import { runChecked } from '../supervisor/run-checked.ts';
import { parseMark } from './mark-text.ts';

const listSchema = z.object({
  nftables: z.array(
    z.object({
      table: z.object({ family: z.string(), name: z.string() }).optional(),
      rule: z.object({ comment: z.string().optional() }).optional(),
    }),
  ),
});

export interface FirewallTable {
  family: string;
  name: string;
  mark: Mark;
}

/** Tables of ours; the first rule of each carries the mark (older kernels keep no comment of a table). */
export async function listMarkedTables(shell: Shell): Promise<FirewallTable[]> {
  const tables = await listNft(shell, ['list', 'tables']);
  const named = tables.flatMap(({ table }) => (table?.name.startsWith('mvc_') ? [table] : []));
  const marked = await Promise.all(
    named.map(async ({ family, name }) => {
      const content = await listNft(shell, ['list', 'table', family, name]);
      const marks = content.map(({ rule }) => parseMark(rule?.comment));
      const mark = marks.find((each) => each !== undefined);
      return mark ? [{ family, name, mark }] : [];
    }),
  );
  return marked.flat();
}

/** Removes those of the cluster's tables at the host that have one of these names. */
export async function removeOwnTables(shell: Shell, mark: Mark, names: string[]): Promise<void> {
  const tables = await listMarkedTables(shell);
  const own = tables.filter((each) => sameMark(each.mark, mark) && names.includes(each.name));
  await removeTables(shell, own);
}

export async function removeTables(shell: Shell, tables: FirewallTable[]): Promise<void> {
  for (const { family, name } of tables) {
    await runChecked(shell, ['nft', 'delete', 'table', family, name]);
  }
}

async function listNft(shell: Shell, argv: string[]) {
  try {
    return listSchema.parse(JSON.parse(await runChecked(shell, ['nft', '-j', ...argv]))).nftables;
  } catch (error) {
    // A host without nft has none of our tables.
    if (error instanceof Failure && error.kind === 'MissingTool') return [];
    throw error;
  }
}
