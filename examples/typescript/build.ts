// Builds a cluster, shows how it goes, and destroys it if asked to.
//
//   npm install mvc-client         (from `npm run build:client && npm pack ./dist/client`)
//   node build.ts spec.json [--destroy]
//
// TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
import { readFileSync } from 'node:fs';
import { Failure, MvcClient, type ClusterSpecInput, type StartedOperation } from 'mvc-client';

const [file, ...options] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node build.ts spec.json [--destroy]');
const spec = JSON.parse(readFileSync(file, 'utf8')) as ClusterSpecInput;

const address = process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233';
const mvc = await MvcClient.connect({ connection: { address } });

async function follow(operation: StartedOperation): Promise<void> {
  const told = new Set<string>();
  for await (const { steps } of mvc.watch(operation)) {
    for (const { step, site = 'all sites', finishedAt, parked } of steps) {
      const line = `${step} ${site}: ${parked?.cause ?? (finishedAt ? 'done' : 'runs')}`;
      if (!told.has(line)) console.log(line);
      told.add(line);
    }
  }
}

try {
  const build = await mvc.build(spec);
  await follow(build);
  const result = await mvc.result(build);
  console.log(`cluster ${result.cluster} is ${result.phase}`);
  if (options.includes('--destroy')) {
    const removal = await mvc.destroy(spec.name);
    console.log(`cluster ${spec.name} is ${(await mvc.result(removal)).phase}`);
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`${error.kind}: ${error.message}${error.help ? `; ${error.help}` : ''}`);
  process.exitCode = 1;
} finally {
  await mvc.close();
}
