import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSpecFile } from '../../src/cli/spec-file.ts';
import { Failure } from '../../src/domain/failure.ts';
import type { SpecKind } from '../../src/domain/spec-notes.ts';

const directory = mkdtempSync(join(tmpdir(), 'mvc-spec-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, 'demo.yaml');

async function faultsOf(lines: string[], kind: SpecKind = 'cluster'): Promise<string[]> {
  writeFileSync(path, lines.join('\n'));
  const failure = await readSpecFile(path, kind).catch((error: unknown) => error);
  if (!(failure instanceof Failure)) throw new Error('the file was accepted');
  return failure.message.replaceAll(path, 'demo.yaml').split('\n');
}

const sound = ['name: demo', 'origin: alpine', 'sites:', '  - name: alpine', '    computes: 1'];

describe('a spec file', () => {
  it('with a wrong value is refused with line, column and field of the value', async () => {
    const lines = [...sound, '  - name: beach', '    computes: -2'];
    expect(await faultsOf(lines)).toEqual([
      'demo.yaml:7:15: sites.1.computes: must not be negative',
    ]);
  });

  it('with an unknown field is told which one was probably meant, and which there are', async () => {
    expect(await faultsOf([...sound, 'compute:', '  memory: 512'])).toEqual([
      'demo.yaml:7:3: compute.memory: there is no such field; did you mean memoryMiB? (known: cpus, memoryMiB)',
    ]);
    const [fault] = await faultsOf([...sound, 'orgin: alpine']);
    expect(fault).toMatch(
      /^demo\.yaml:6:1: orgin: there is no such field; did you mean origin\? \(known: name, origin, /,
    );
  });

  it('with a missing field is pointed to what should hold it', async () => {
    expect(await faultsOf([...sound, '  - name: beach'])).toEqual([
      'demo.yaml:6:5: sites.1.computes: is missing',
    ]);
  });

  it('with several faults is told them all', async () => {
    const lines = ['name: Demo', 'origin: alpine', 'sites: 3'];
    const faults = await faultsOf(lines);
    expect(faults.map((fault) => fault.split(': ').slice(0, 2))).toEqual([
      ['demo.yaml:1:7', 'name'],
      ['demo.yaml:3:8', 'sites'],
    ]);
  });

  it('that depends on two fields is checked, too', async () => {
    const [fault] = await faultsOf(['name: demo', 'origin: beach', ...sound.slice(2)]);
    expect(fault).toBe('demo.yaml:2:9: origin: origin beach is not among the sites (alpine)');
  });

  it('that is not YAML is refused with line and column', async () => {
    const [fault] = await faultsOf(['name: demo', 'sites: [1, 2', 'origin: x']);
    expect(fault).toMatch(/^demo\.yaml:\d+:\d+: \S/);
    expect(fault).not.toMatch(/at line/);
  });

  it('with a field twice is refused', async () => {
    expect((await faultsOf([...sound, 'name: other']))[0]).toMatch(/^demo\.yaml:6:1: .*unique/);
  });

  it.each([[['- 1']], [['']]])('that holds something else is refused: %j', async (lines) => {
    expect(await faultsOf(lines)).toEqual(['demo.yaml does not hold a cluster']);
  });

  it('of a site knows the fields of its kind', async () => {
    const site = ['name: dry', 'kind: memory', 'containers:', '  - name: h1', '    address: x'];
    expect(await faultsOf(site, 'site')).toEqual([
      'demo.yaml:5:5: containers.0.address: there is no such field (known: name, cpus, memoryMiB)',
    ]);
    const [fault] = await faultsOf(['name: dry', 'kind: virtual'], 'site');
    expect(fault).toMatch(/^demo\.yaml:2:7: kind: site kind "virtual" is unknown/);
  });

  it('takes the name that was said on the command line', async () => {
    writeFileSync(path, sound.join('\n'));
    expect(await readSpecFile(path, 'cluster', { name: 'other' })).toMatchObject({ name: 'other' });
  });
});
