/** After this, somebody who waits wants to know what for. */
const silentMs = 2_000;

/** Waits for work that may take long; tells what it is on stderr, so that the result stays alone. */
export async function withSlowNote<T>(note: string, work: () => Promise<T>): Promise<T> {
  const telling = setTimeout(() => process.stderr.write(`mvc: ${note} …\n`), silentMs);
  try {
    return await work();
  } finally {
    clearTimeout(telling);
  }
}
