/** Rows per statement; the protocol allows 65,535 values in one. */
const size = 1000;

/** Calls `insert` for one slice after the other; not at all for no rows. */
export async function inBatches<T>(
  rows: T[],
  insert: (batch: T[]) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < rows.length; start += size) {
    await insert(rows.slice(start, start + size));
  }
}
