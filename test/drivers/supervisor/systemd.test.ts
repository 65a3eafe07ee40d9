import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSystemdSupervisor } from '../../../src/drivers/supervisor/systemd.ts';
import type { Service } from '../../../src/drivers/supervisor/supervisor.ts';
import type { Shell } from '../../../src/transport/shell.ts';

const mark = {
  installation: '7f1f1c46-6f0e-4f53-9d53-000000000001',
  cluster: 'demo',
  clusterId: '0123456789ab',
};
let directory: string;
let asked: string[];
/** No systemd runs where tests run: what it would be asked is recorded. */
const shell: Shell = {
  run: async (argv) => {
    asked.push(argv.join(' '));
    return { exitCode: 0, stdout: 'active\n', stderr: '' };
  },
};
const supervisor = () =>
  createSystemdSupervisor({
    shell,
    unitDirectory: join(directory, 'units'),
    root: join(directory, 'services'),
  });
const service = (key: string): Service => ({
  name: 'mvc-edge',
  mark,
  script: '#!/bin/sh\nexec sleep 60\n',
  env: { N2N_KEY: key, ARGS: '-d tap -p 7701' },
  files: { 'rules.nft': 'table ip x' },
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-systemd-'));
  mkdirSync(join(directory, 'units'));
  asked = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('makes a unit that comes back by itself, with its secrets in a file that only root reads', async () => {
  await supervisor().ensure([service('key1')]);
  const unit = readFileSync(join(directory, 'units/mvc-edge.service'), 'utf8');
  expect(unit).toContain('Restart=always');
  expect(unit).toContain('WantedBy=multi-user.target');
  expect(unit).not.toContain('key1');
  const environment = join(directory, 'services/mvc-edge/environment');
  expect(readFileSync(environment, 'utf8')).toBe('N2N_KEY="key1"\nARGS="-d tap -p 7701"\n');
  expect(statSync(environment).mode & 0o777).toBe(0o600);
  expect(asked).toEqual([
    'systemctl daemon-reload',
    'systemctl restart --no-block mvc-edge',
    'systemctl enable --now --no-block mvc-edge',
  ]);
});

it('does not restart an unchanged service, and restarts a changed one', async () => {
  await supervisor().ensure([service('key1')]);
  asked = [];
  await supervisor().ensure([service('key1')]);
  expect(asked).toEqual(['systemctl enable --now --no-block mvc-edge']);
  await supervisor().ensure([service('key2')]);
  expect(asked).toContain('systemctl restart --no-block mvc-edge');
});

it('sees its services with their marks, and removes every trace of them', async () => {
  await supervisor().ensure([service('key1')]);
  expect(await supervisor().describe('mvc-')).toMatchObject([{ name: 'mvc-edge', mark, up: true }]);
  await supervisor().remove(['mvc-edge', 'mvc-never-was']);
  expect(asked).toContain('systemctl disable --now mvc-edge');
  expect(readdirSync(join(directory, 'units'))).toEqual([]);
  expect(existsSync(join(directory, 'services/mvc-edge'))).toBe(false);
});
