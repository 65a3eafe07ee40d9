import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { engineFromEnvironment } from '../../src/installation/engine-settings.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'mvc-units-'));
afterAll(() => rmSync(directory, { recursive: true }));

const units = {
  'mvc-control-worker.service': 'mvc-control-worker.service',
  // A template is checked as the instance that it makes.
  'mvc-site-worker@.service': 'mvc-site-worker@alpine.service',
};
const read = (name: string) => readFileSync(join(root, 'systemd', name), 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** The unit as of this checkout: the programs that it names must exist. */
function place(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(
    path,
    text
      .replaceAll('/opt/mvc/node_modules/node/bin/node', process.execPath)
      .replaceAll('/opt/mvc', root),
  );
  return path;
}

/** What systemd itself has to say of a unit; nothing if it is well. */
function complaints(path: string): string {
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.includes('mvc'))
    .join('\n');
}

describe.skipIf(!hasSystemd)('systemd', () => {
  test.each(Object.entries(units))('finds nothing amiss in %s', (name, instance) => {
    expect(complaints(place(instance, read(name)))).toBe('');
  });

  test('finds what is planted', () => {
    const text = read('mvc-control-worker.service').replace(
      '[Install]',
      'Planted=yes\n\n[Install]',
    );
    expect(complaints(place('mvc-planted.service', text))).toContain('Planted');
  });

  test.each(Object.entries(units))('calls %s well protected', (name, instance) => {
    const path = place(instance, read(name));
    execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', path], {
      stdio: 'ignore',
    });
  });
});

test.each(Object.keys(units))(
  '%s runs a program that is there, as mvc, and is started again',
  (name) => {
    const text = read(name);
    const [, node, program] = /^ExecStart=\/opt\/mvc\/(\S+) (\S+)$/m.exec(text) ?? [];
    expect(node).toBe('node_modules/node/bin/node');
    expect(createRequire(import.meta.url).resolve('node/package.json')).toContain(
      'node_modules/node/',
    );
    expect(readFileSync(join(root, program ?? 'nothing'), 'utf8')).not.toBe('');
    for (const line of [
      'User=mvc',
      'Restart=always',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  },
);

test('a site worker listens on nothing and knows no database', () => {
  const text = read('mvc-site-worker@.service') + read('examples/site-worker.env');
  expect(text).not.toMatch(/ListenStream|POSTGRES|PGHOST/);
});

test('the example of profiles is one that the programs read', async () => {
  const env = { TEMPORAL_CONFIG_FILE: join(root, 'systemd/examples/temporal.toml') };
  expect(await engineFromEnvironment({ ...env, TEMPORAL_PROFILE: 'cloud' })).toMatchObject({
    namespace: 'mvc.a1b2c',
  });
  // The key of the certificate comes from the drop-in.
  await expect(engineFromEnvironment({ ...env, TEMPORAL_PROFILE: 'mvc' })).rejects.toThrow(
    'names a client certificate without its key',
  );
});
