import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fieldTable } from '../../scripts/field-table.ts';
import { readSpecFile } from '../../src/cli/spec-file.ts';
import { specNotes, type SpecKind } from '../../src/domain/spec-notes.ts';
import { fieldsOf, specSchema } from '../../src/domain/spec-schemas.ts';

const root = join(import.meta.dirname, '..', '..');
const kinds: SpecKind[] = ['cluster', 'site'];
const examples = readdirSync(join(root, 'examples'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => `examples/${name}`);
const kindOf = (example: string): SpecKind => (example.includes('site') ? 'site' : 'cluster');

function published(kind: SpecKind): object {
  return JSON.parse(readFileSync(join(root, 'schemas', `${kind}.schema.json`), 'utf8')) as object;
}

/** An independent reader of JSON Schema. */
function validator(kind: SpecKind) {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  ajv.addFormat('ipv4', /^\d{1,3}(\.\d{1,3}){3}$/);
  return ajv.compile(published(kind));
}

describe.each(kinds)('the published schema of a %s', (kind) => {
  it('is the one that the types give (npm run schemas)', () => {
    expect(published(kind)).toEqual(specSchema(kind));
  });

  it('explains every field, and no other', () => {
    const branches = kind === 'site' ? ['libvirt', 'memory'] : [undefined];
    const fields = branches.flatMap((branch) => fieldsOf(specSchema(kind), { kind: branch }));
    const undescribed = fields.filter(({ schema }) => !schema.description);
    expect(undescribed.map(({ path }) => path)).toEqual([]);
    const paths = fields.map(({ path }) => path);
    expect(Object.keys(specNotes[kind]).filter((path) => !paths.includes(path))).toEqual([]);
  });
});

describe('docs/specs.md', () => {
  it.each([
    ['cluster', fieldTable('cluster')],
    ['libvirt', fieldTable('site', 'libvirt')],
    ['memory', fieldTable('site', 'memory')],
  ])('has the fields of a %s as they are (npm run schemas)', (name, table) => {
    const page = readFileSync(join(root, 'docs', 'specs.md'), 'utf8');
    const written = page.split(`<!-- begin: ${name} -->`)[1]?.split(`<!-- end: ${name} -->`)[0];
    expect(plain(written ?? '')).toBe(plain(table));
  });
});

/** Without what aligns the columns. */
function plain(table: string): string {
  return table.replace(/-+/g, '-').replace(/ +/g, ' ').trim();
}

describe('the examples', () => {
  it('are there for both', () => {
    expect(new Set(examples.map(kindOf))).toEqual(new Set(kinds));
  });

  it.each(examples)('%s is valid by the schema that it names, and by ours', async (example) => {
    const kind = kindOf(example);
    const text = await readFile(join(root, example), 'utf8');
    expect(text).toContain(`# yaml-language-server: $schema=../schemas/${kind}.schema.json\n`);
    const valid = validator(kind);
    valid(parse(text));
    expect(valid.errors).toBeNull();
    await expect(readSpecFile(join(root, example), kind)).resolves.toBeTruthy();
  });

  it.each([
    ['cluster', { name: 'demo', origin: 'a', sites: [{ name: 'a', computes: -1 }] }],
    ['cluster', { name: 'demo', origin: 'a', sites: [{ name: 'a', computes: 1 }], memory: 1 }],
    ['cluster', { name: 'demo' }],
    ['site', { name: 'dry', kind: 'memory', containers: [] }],
    ['site', { name: 'dry', kind: 'rocks', containers: [{ name: 'h1' }] }],
  ] as const)('differ from a %s that is not valid: %j', (kind, wrong) => {
    expect(validator(kind)(wrong)).toBe(false);
  });
});
