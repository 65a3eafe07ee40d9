/**
 * Writes schemas/*.schema.json and the tables of docs/specs.md from the types of the specs.
 *
 *   npm run schemas
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { specSchema } from '../src/domain/spec-schemas.ts';
import { fieldTable } from './field-table.ts';

const root = join(import.meta.dirname, '..');
const tables = {
  cluster: fieldTable('cluster'),
  libvirt: fieldTable('site', 'libvirt'),
  memory: fieldTable('site', 'memory'),
};

for (const kind of ['cluster', 'site'] as const) {
  const text = JSON.stringify(specSchema(kind), undefined, 2);
  await writeFile(join(root, 'schemas', `${kind}.schema.json`), `${text}\n`);
}
const page = join(root, 'docs', 'specs.md');
let text = await readFile(page, 'utf8');
for (const [name, table] of Object.entries(tables)) {
  const [begin, end] = [`<!-- begin: ${name} -->`, `<!-- end: ${name} -->`];
  text = `${text.split(begin)[0]}${begin}\n\n${table}\n\n${end}${text.split(end)[1]}`;
}
await writeFile(page, text);
