import { z } from 'zod';

/** Field of a run's memo in which whoever starts it says who asks: `ada@login1`. */
export const askedByMemo = 'askedBy';

const askedBySchema = z.string().min(1).max(200);

/**
 * Who asked for a run, as its starter has said in the memo. It is a statement, no proof: whoever may
 * start runs may write anything into it.
 *
 * @returns nothing for a run without one, as the engine's UI and command start them.
 */
export function askedByOf(memo: Record<string, unknown> | undefined): { askedBy?: string } {
  const said = askedBySchema.safeParse(memo?.[askedByMemo]);
  return said.success ? { askedBy: said.data } : {};
}
