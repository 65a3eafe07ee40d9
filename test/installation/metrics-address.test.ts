import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mvcHome, type Home } from '../../src/installation/home.ts';
import {
  formatAddress,
  keepMetricsAddress,
  readMetricsAddress,
  wantedMetricsAddress,
} from '../../src/installation/metrics-address.ts';

let home: Home;
beforeEach(async () => {
  home = mvcHome({ MVC_HOME: await mkdtemp(join(tmpdir(), 'mvc-metrics-')) });
  await mkdir(home.run);
});
afterEach(() => rm(home.root, { recursive: true, force: true }));

const wanted = (asked?: string) =>
  wantedMetricsAddress(
    home,
    'site-worker',
    asked === undefined ? {} : { MVC_METRICS_ADDRESS: asked },
  );

describe('where a worker answers Prometheus', () => {
  it('is loopback, on another port for each kind of worker', async () => {
    expect(await wanted()).toEqual({ host: '127.0.0.1', port: 9465 });
    expect(await wantedMetricsAddress(home, 'control-worker', {})).toEqual({
      host: '127.0.0.1',
      port: 9464,
    });
  });

  it('is where it was the last time', async () => {
    await keepMetricsAddress(home, 'site-worker', { host: '127.0.0.1', port: 9470 });
    expect(await wanted()).toEqual({ host: '127.0.0.1', port: 9470 });
    expect(await readMetricsAddress(home, 'control-worker')).toBeUndefined();
  });

  it.each([
    ['0.0.0.0', { host: '0.0.0.0', port: 9465 }],
    ['10.0.0.7:9000', { host: '10.0.0.7', port: 9000 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['[::]', { host: '::', port: 9465 }],
    ['worker.example.org:80', { host: 'worker.example.org', port: 80 }],
    ['off', undefined],
  ])('is what MVC_METRICS_ADDRESS=%s says', async (asked, address) => {
    expect(await wanted(asked)).toEqual(address);
  });

  it('keeps its port when only the address is given anew', async () => {
    await keepMetricsAddress(home, 'site-worker', { host: '0.0.0.0', port: 9470 });
    expect(await wanted('0.0.0.0')).toEqual({ host: '0.0.0.0', port: 9470 });
  });

  it.each(['127.0.0.1:99999', 'a b', '127.0.0.1:9000/x', ':9000', 'user@host'])(
    'is not guessed from %j',
    async (asked) => {
      await expect(wanted(asked)).rejects.toMatchObject({ kind: 'BadInput' });
    },
  );

  it('is told as something that can be asked', () => {
    expect(formatAddress({ host: '0.0.0.0', port: 1 })).toBe('127.0.0.1:1');
    expect(formatAddress({ host: '::', port: 1 })).toBe('[::1]:1');
  });
});
