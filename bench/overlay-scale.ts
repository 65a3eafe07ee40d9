/**
 * What the routed overlay is like at 1,000 VMs on 100 VM containers: the size of what each container has,
 * the time to make and to load it, and what one VM more changes. The cluster is a model; loading and
 * background traffic are measured in network namespaces. Writes tables into docs/benchmarks.md.
 *
 *   npm run bench:overlay-scale      as root
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { programRoot } from '../src/installation/home.ts';
import { createGround, type Ground } from './overlay/ground.ts';
import { measureLoad } from './overlay-scale/load.ts';
import { buildModel } from './overlay-scale/model.ts';
import { renderTables } from './overlay-scale/table.ts';
import { measureN2n, measureRouted } from './overlay-scale/traffic.ts';

const [begin, end] = ['<!-- begin: overlay-scale -->', '<!-- end: overlay-scale -->'];
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error('interrupted')));
}

const model = buildModel();
// One where no VM joins, and that does not relay.
const spoke = model.before.find(({ relays }) => !relays);
const spokeAfter = model.after.find(({ name }) => name === spoke?.name);
if (!spoke || !spokeAfter) throw new Error('every container relays');
say('loading one container');
const load = await onGround((ground) => measureLoad(ground, spoke, spokeAfter));
say('background traffic of n2n');
const n2n = await onGround(measureN2n);
say('background traffic of routed');
const routed = await measureRouted();
await writePage(renderTables({ model, spoke, load, routed, n2n }));

async function onGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
  const ground = await createGround({ signal: interrupted.signal, first: false });
  try {
    return await work(ground);
  } finally {
    await ground.remove();
  }
}

async function writePage(tables: string): Promise<void> {
  process.stdout.write(`${tables}\n`);
  const path = join(programRoot, 'docs/benchmarks.md');
  const page = await readFile(path, 'utf8');
  const between = new RegExp(`${begin}[^]*${end}`);
  if (!between.test(page)) throw new Error(`${path} has no place for the tables`);
  const written = page.replace(between, () => `${begin}\n\n${tables}\n\n${end}`);
  await writeFile(path, await format(written, { ...(await resolveConfig(path)), filepath: path }));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
