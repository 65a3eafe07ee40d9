// Goes on with an operation that waits for a person: says what is parked and why, tries it again (or
// leaves it out), and waits for the end.
//
//   node resume.ts NAME [--skip]      --skip leaves out what is parked, where that is safe
//
// TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
import { Failure, MvcClient } from 'mvc-client';

const [cluster, ...options] = process.argv.slice(2);
if (cluster === undefined) throw new Error('usage: node resume.ts NAME [--skip]');

const address = process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233';
const mvc = await MvcClient.connect({ connection: { address } });

try {
  const running = await mvc.running(cluster);
  for (const { step, site = 'all sites', parked } of running?.progress.steps ?? []) {
    if (parked) console.log(`${step} ${site} is parked: ${parked.cause}; ${parked.help}`);
  }
  // Also `site` and `step`, which mean only that, and `spec`, which goes on with a corrected one.
  const action = options.includes('--skip') ? 'skip' : 'retry';
  const { resumed } = await mvc.resume(cluster, { action });
  for (const { step, site = 'all sites' } of resumed) console.log(`${step} ${site} goes on`);
  const result = await mvc.result(await mvc.latest(cluster));
  console.log(`cluster ${result.cluster} is ${result.phase}`);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`${error.kind}: ${error.message}${error.help ? `; ${error.help}` : ''}`);
  process.exitCode = 1;
} finally {
  await mvc.close();
}
