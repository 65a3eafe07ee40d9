import { Failure, MvcClient, type ClusterSpecInput } from 'mvc-client';
import { readFile } from 'node:fs/promises';

/**
 * Builds a cluster and says where it stands. What is parked waits for `mvc resume`, or `mvc.resume(name)`.
 *
 *   node build.ts cluster.json
 */
const [file = 'cluster.json'] = process.argv.slice(2);
const address = process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233';

try {
  const spec = JSON.parse(await readFile(file, 'utf8')) as ClusterSpecInput;
  const mvc = await MvcClient.connect({ connection: { address } });
  try {
    const build = await mvc.build(spec);
    let told = '';
    for await (const { phase, message, steps } of mvc.watch(build)) {
      const parked = steps.flatMap((step) => (step.parked ? [step.parked] : []));
      const line = [`${phase}: ${message}`, ...parked.map(({ help }) => `  parked; ${help}`)];
      if (line.join('\n') !== told) console.log((told = line.join('\n')));
    }
    console.log(JSON.stringify(await mvc.result(build)));
  } finally {
    await mvc.close();
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`${error.kind}: ${error.message}${error.help ? `; ${error.help}` : ''}`);
  process.exitCode = 1;
}
