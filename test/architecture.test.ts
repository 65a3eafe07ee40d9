import { existsSync, readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  deadPaths,
  importViolations,
  maximumLines,
  sizeViolations,
  type SourceFile,
} from './architecture/check.ts';

const root = join(import.meta.dirname, '..');

async function read(...patterns: string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const path of glob(patterns, { cwd: root })) {
    files.push({ path, text: readFileSync(join(root, path), 'utf8') });
  }
  return files;
}

const source = await read('src/**/*.ts');

describe('the tree', () => {
  test('has source files to look at', () => {
    expect(source.length).toBeGreaterThan(20);
  });

  test('imports only what layers.ts allows', () => {
    expect(importViolations(source)).toEqual([]);
  });

  test(`has no source file of more than ${maximumLines} lines`, () => {
    expect(sizeViolations(source)).toEqual([]);
  });

  test('has every path that its documents name', async () => {
    const documents = await read('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/**/*.md');
    const exists = (path: string) => existsSync(join(root, path));
    expect(documents.flatMap((document) => deadPaths(document, exists))).toEqual([]);
  });
});

describe('the checks find what is planted', () => {
  const planted: [string, string][] = [
    ['src/domain/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/domain/b.ts', "import { z } from '../store/database.ts';"],
    ['src/drivers/c.ts', "import { Context } from '@temporalio/activity';"],
    ['src/activities/site/d.ts', "import { sites } from '../../store/sites.ts';"],
    ['src/activities/control/e.ts', "import { virsh } from '../../drivers/site/libvirt/virsh.ts';"],
    ['src/workflows/f.ts', "import { survey } from '../activities/site/site-activities.ts';"],
    ['src/workflows/g.ts', "export { type A, b } from '../activities/site/site-activities.ts';"],
    ['src/client/h.ts', "import {\n  a,\n  b,\n} from '../workflows/index.ts';"],
    ['src/cli/i.ts', "const driver = await import('../drivers/site/site-drivers.ts');"],
    ['src/site/j.ts', "import { Client } from 'ssh2';"],
    ['src/store/k.ts', "import 'left-pad';"],
    ['src/store/l.ts', "import { spawn } from 'node:child_process';"],
    ['src/lab/m.ts', "import { plan } from '../workflows/index.ts';"],
    ['src/helpers/n.ts', ''],
  ];
  test.each(planted)('%s: %s', (path, text) => {
    const found = importViolations([{ path, text }]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(path);
  });

  test.each([
    ['src/workflows/a.ts', "import type * as site from '../activities/site/site-activities.ts';"],
    ['src/workflows/b.ts', "import { type A, type B } from '../activities/control/control.ts';"],
    ['src/drivers/site/c.ts', "import { shell } from '../../transport/shell.ts';"],
    ['src/activities/site/d.ts', "import { step } from '../activity.ts';"],
  ])('and allow what is allowed: %s', (path, text) => {
    expect(importViolations([{ path, text }])).toEqual([]);
  });

  test('a file that is too long', () => {
    const text = 'x\n'.repeat(maximumLines + 1);
    expect(sizeViolations([{ path: 'src/domain/long.ts', text }])).toHaveLength(1);
  });

  test('a path in a document that is not there', () => {
    const text = 'See `src/domain/gone.ts`, [this](gone.md) and [that](https://example.org/src/x).';
    const found = deadPaths({ path: 'docs/guide.md', text }, () => false);
    expect(found.map((sentence) => sentence.split(' ')[2])).toEqual([
      'src/domain/gone.ts,',
      'docs/gone.md,',
    ]);
  });
});
