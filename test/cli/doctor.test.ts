import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findingLines } from '../../src/cli/doctor.ts';
import { examine, fail, ok, warn, type Examined } from '../../src/cli/doctor/check.ts';
import { judgeClocks, readClocks } from '../../src/cli/doctor/clocks.ts';
import { checkDatabase, judgeClock, judgeDatabase } from '../../src/cli/doctor/database.ts';
import { judgeQueues, judgeSchedules, judgeSearchAttributes } from '../../src/cli/doctor/engine.ts';
import { checkSecrets, checkSiteKeys, judgeSecrets } from '../../src/cli/doctor/files.ts';
import { checkImages } from '../../src/cli/doctor/image.ts';
import { judgeDisk, judgeMemory, judgeNode } from '../../src/cli/doctor/machine.ts';
import { judgePorts, judgeServices, judgeWorker } from '../../src/cli/doctor/services.ts';
import { checkSite } from '../../src/cli/doctor/sites.ts';
import { searchAttributes } from '../../src/domain/engine-names.ts';
import { Failure } from '../../src/domain/failure.ts';
import { siteSchema, type Site } from '../../src/domain/site.ts';
import { mvcHome } from '../../src/installation/home.ts';
import type { SiteRecord } from '../../src/store/sites.ts';
import type { SiteDoor } from '../../src/transport/site-door.ts';
import { defaultRolls } from '../../src/domain/cluster.ts';

const directories: string[] = [];
async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mvc-doctor-'));
  directories.push(path);
  return path;
}
afterEach(async () => {
  for (const path of directories.splice(0)) await rm(path, { recursive: true, force: true });
});

const gibi = 1024 ** 3;
const mebi = 1024 ** 2;

describe('the machine', () => {
  it.each([
    ['24.0.0', 'ok'],
    ['26.1.0', 'ok'],
    ['22.9.0', 'fail'],
  ])('has Node %s where 24 is needed: %s', (version, verdict) => {
    expect(judgeNode(version, '>=24').verdict).toBe(verdict);
  });

  it.each([
    [75 * gibi, 1e6, 'ok'],
    [3 * gibi, 1e6, 'warn'],
    [0.5 * gibi, 1e6, 'fail'],
    [75 * gibi, 10, 'fail'],
    [75 * gibi, Infinity, 'ok'],
  ])('has room of %d bytes and %d files: %s', (bytes, files, verdict) => {
    expect(judgeDisk('/srv/mvc', bytes, files).verdict).toBe(verdict);
  });

  it.each([
    [4096 * mebi, 'ok'],
    [300 * mebi, 'warn'],
    [64 * mebi, 'fail'],
  ])('has %d bytes of memory: %s', (bytes, verdict) => {
    expect(judgeMemory(bytes).verdict).toBe(verdict);
  });
});

describe('secrets', () => {
  const path = { path: '/srv/mvc/secrets/key', uid: 1000, mode: 0o600 };

  it('are well when they are ours and closed', () => {
    expect(judgeSecrets([path, { ...path, mode: 0o400 }], 1000)).toMatchObject([{ verdict: 'ok' }]);
  });

  it.each([0o644, 0o640, 0o604, 0o660])('that have mode %o are told with what to do', (mode) => {
    expect(judgeSecrets([path, { ...path, mode }], 1000)).toMatchObject([
      {
        verdict: 'fail',
        help: expect.stringContaining('chmod go= /srv/mvc/secrets/key') as string,
      },
    ]);
  });

  it('of somebody else are told', () => {
    expect(judgeSecrets([path], 0)[0]).toMatchObject({ verdict: 'fail' });
  });

  it('are found in their directory', async () => {
    const home = mvcHome({ MVC_HOME: await directory() });
    await mkdir(home.secrets, { mode: 0o700 });
    await writeFile(join(home.secrets, 'key'), 'x', { mode: 0o600 });
    expect(await checkSecrets(home)).toMatchObject([{ verdict: 'ok' }]);
    await chmod(join(home.secrets, 'key'), 0o644);
    const [finding] = await checkSecrets(home);
    expect(finding).toMatchObject({ verdict: 'fail' });
    expect(finding?.message).toContain(`${join(home.secrets, 'key')} is open to other accounts`);
  });

  it("are the sites' keys too; one that is elsewhere may be right", async () => {
    const key = join(await directory(), 'site-key');
    expect(await checkSiteKeys([libvirtSite(key)])).toMatchObject([{ verdict: 'warn' }]);
    await writeFile(key, 'x', { mode: 0o644 });
    expect(await checkSiteKeys([libvirtSite(key)])).toMatchObject([{ verdict: 'fail' }]);
    await chmod(key, 0o600);
    expect(await checkSiteKeys([libvirtSite(key)])).toMatchObject([{ verdict: 'ok' }]);
    expect(await checkSiteKeys([memorySite('dry')])).toEqual([]);
  });
});

describe('services', () => {
  const report = { home: '/srv/mvc', installation: 'i', healthy: true };
  const service = { name: 'postgres', state: 'running', healthy: true, restarts: 0 } as const;

  it('that answer are well; those that were started again often are told', () => {
    const services = [service, { ...service, name: 'temporal', restarts: 7 }];
    expect(judgeServices({ ...report, services }, false)).toMatchObject([
      { verdict: 'ok', subject: 'postgres' },
      { verdict: 'warn', subject: 'temporal' },
    ]);
  });

  it('that do not answer are told with their own words and their log', () => {
    const dead = {
      ...service,
      state: 'failed',
      healthy: false,
      problem: 'no space',
      logFile: '/l',
    };
    const [finding] = judgeServices({ ...report, services: [{ ...dead, state: 'failed' }] }, false);
    expect(finding).toMatchObject({ verdict: 'fail', message: 'failed: no space' });
    expect(finding?.help).toContain('/l');
  });

  it('that were never started are a failure, unless the environment names others', () => {
    expect(judgeServices({ ...report, services: [] }, false)[0]?.verdict).toBe('fail');
    expect(judgeServices({ ...report, services: [] }, true)[0]?.verdict).toBe('ok');
  });

  it('whose ports others have are told with the owner', () => {
    const mine = { service: 'postgres', port: 5433 };
    expect(judgePorts([mine])).toMatchObject([{ verdict: 'ok' }]);
    expect(judgePorts([mine, { ...mine, port: 7233, owner: 'process 8 (nc)' }])).toMatchObject([
      { verdict: 'fail', message: expect.stringContaining('process 8 (nc)') as string },
    ]);
    expect(judgePorts([])).toEqual([]);
  });

  it.each([
    [{ healthy: true, program: 'a' }, 'ok'],
    [{ healthy: true, program: 'b' }, 'warn'],
    [{ healthy: false, program: 'a' }, 'fail'],
    [undefined, 'warn'],
  ])('a worker that says %j of itself: %s', (health, verdict) => {
    expect(judgeWorker('site-worker', '127.0.0.1:9465', health, 'a').verdict).toBe(verdict);
  });
});

describe('the database', () => {
  const facts = { version: '18.4', now: 1_000_000, pending: [], unknown: [] };

  it.each([
    [facts, 'ok'],
    [{ ...facts, pending: ['2026-11-25-1-changes'] }, 'fail'],
    [{ ...facts, unknown: ['2030-01-01-1-later'] }, 'fail'],
  ])('%j: %s', (found, verdict) => {
    expect(judgeDatabase(found)[0]?.verdict).toBe(verdict);
  });

  it.each([
    [0, 10, 'ok'],
    [1_500, 10, 'ok'],
    [5_000, 10, 'warn'],
    [-5_000, 10, 'warn'],
    [5_000, 4_000, 'ok'],
  ])('whose clock is %d ms away by a question of %d ms: %s', (offset, askedMs, verdict) => {
    expect(judgeClock(1_000_000 + offset, 1_000_000, askedMs).verdict).toBe(verdict);
  });

  it('has its clock compared with this moment', async () => {
    const findings = await checkDatabase(async () => ({ ...facts, now: Date.now() }));
    expect(findings.map((each) => each.verdict)).toEqual(['ok', 'ok']);
  });
});

describe('the engine', () => {
  it('lacks search attributes', () => {
    const all = Object.values(searchAttributes);
    expect(judgeSearchAttributes([...all, 'Other']).verdict).toBe('ok');
    expect(judgeSearchAttributes(all.slice(1)).message).toContain(all[0]);
  });

  it('does not look at a cluster', () => {
    expect(judgeSchedules(['a', 'b'], ['watch:a', 'watch:b', 'watch:c'])[0]?.verdict).toBe('ok');
    expect(judgeSchedules(['a', 'b'], ['watch:a'])).toMatchObject([
      { verdict: 'warn', help: 'mvc repair b' },
    ]);
  });

  it('has a queue that nobody serves', () => {
    expect(
      judgeQueues(['control', 'site:a'], { control: ['w'], 'site:a': ['w'] })[0]?.verdict,
    ).toBe('ok');
    expect(judgeQueues(['control', 'site:a'], { control: ['w'], 'site:a': [] })).toMatchObject([
      { verdict: 'fail', message: 'no worker asks for work on site:a' },
    ]);
  });
});

describe('a site', () => {
  const record: SiteRecord = { site: memorySite('beach'), state: 'ready', createdAt: 0 };
  const nothing = { things: [], silent: [] };

  it('that answers is well', async () => {
    expect(await checkSite(record, async () => nothing)).toMatchObject([
      { verdict: 'ok', subject: 'site beach' },
    ]);
  });

  it('that does not is told with its own sentence', async () => {
    const silent = [{ site: 'beach', error: 'the host key has changed' }];
    expect(await checkSite(record, async () => ({ ...nothing, silent }))).toMatchObject([
      { verdict: 'fail', message: 'does not answer: the host key has changed' },
    ]);
  });

  it('that could not be asked is not said to be away', async () => {
    const down = () => Promise.reject(new Failure('Unreachable', 'no engine', { help: 'mvc up' }));
    expect(await checkSite(record, down)).toMatchObject([
      { verdict: 'warn', message: 'could not be asked: no engine', help: 'mvc up' },
    ]);
  });

  it('that never answered is not asked', async () => {
    const pending: SiteRecord = { ...record, state: 'pending' };
    const never = () => Promise.reject(new Error('was asked'));
    expect(await checkSite(pending, never)).toMatchObject([{ verdict: 'warn' }]);
  });

  it('that lacks a program is told with the package', async () => {
    const host = { host: 'h1', sealKey: '', tools: {}, domains: [] };
    const facts = {
      site: 'beach',
      hosts: [{ ...host, missing: [{ tool: 'edge', package: 'n2n' }] }],
    };
    const [finding] = await checkSite({ ...record, facts }, async () => nothing);
    expect(finding).toMatchObject({ verdict: 'warn', message: 'h1 lacks edge' });
    expect(finding?.help).toContain('n2n');
  });
});

describe('node images', () => {
  it('are looked for once per set of rolls', async () => {
    const asked: string[][] = [];
    const findings = await checkImages([['base'], defaultRolls], async (rolls) => {
      asked.push(rolls);
      return rolls.length === 1 ? undefined : { digest: 'd', size: 5e8, path: '/i' };
    });
    expect(asked).toHaveLength(2);
    expect(findings.map((each) => each.verdict)).toEqual(['ok', 'warn']);
    expect(findings[1]?.help).toContain('mvc image build --roll base');
  });
});

describe('the examination', () => {
  it('tells in the order of the list, whatever ends first', async () => {
    let release = () => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const checks = [
      { name: 'first', run: () => slow.then(() => [ok('first', 'well')]) },
      {
        name: 'second',
        run: async () => {
          release();
          return [fail('second', 'bad')];
        },
      },
    ];
    const names = (await all(examine(checks))).map((each) => each.check);
    expect(names).toEqual(['first', 'second']);
  });

  it('goes on when a check fails or hangs, and says so', async () => {
    const told: Examined[] = await all(
      examine([
        { name: 'broken', run: () => Promise.reject(new Failure('NotFound', 'no', { help: 'h' })) },
        { name: 'hangs', withinMs: 5, run: () => new Promise(() => {}) },
        { name: 'well', run: async () => [ok('well', 'is well')] },
      ]),
    );
    expect(told.flatMap((each) => each.findings)).toEqual([
      warn('broken', 'could not be checked: no', 'h'),
      warn('hangs', 'could not be checked within 0.005 s'),
      ok('well', 'is well'),
    ]);
  });

  it('says what to do below what is wrong, and nothing below what is well', () => {
    expect(findingLines(fail('disk', 'full', 'make room'))).toEqual([
      'fail  disk                  full',
      '                            → make room',
    ]);
    expect(findingLines({ ...ok('disk', 'well'), help: 'nothing' })).toHaveLength(1);
  });
});

async function all(examination: AsyncGenerator<Examined>): Promise<Examined[]> {
  const told: Examined[] = [];
  for await (const each of examination) told.push(each);
  return told;
}

function memorySite(name: string): Site {
  return siteSchema.parse({ name, kind: 'memory', containers: [{ name: 'h1' }] });
}

function libvirtSite(key: string): Site {
  // Only its key is looked at.
  return { name: 'alpine', kind: 'libvirt', key } as unknown as Site;
}

describe("the clocks of a site's hosts", () => {
  it('are well within some seconds', () => {
    const readings = [
      { host: 'physical-frontend', skewMs: -300 },
      { host: 'h1', skewMs: 4_900 },
    ];
    expect(judgeClocks('beach', readings)).toEqual([
      ok('clocks beach', '2 hosts, at most 4.9 s from this machine'),
    ]);
  });

  it('are told host by host where they differ, with what suffers and how to mend it', () => {
    const readings = [
      { host: 'physical-frontend', skewMs: 100 },
      { host: 'h1', skewMs: -12_000 },
      { host: 'h2', error: 'h2 does not answer' },
    ];
    const findings = judgeClocks('beach', readings);
    expect(findings.map(({ verdict, message }) => `${verdict}: ${message}`)).toEqual([
      'warn: h1 is 12.0 s behind this machine',
      'warn: h2 could not be asked: h2 does not answer',
    ]);
    expect(findings[0]?.help).toMatch(/chrony.*Reservations.*munge/);
  });

  it('are read from each of them by the second question, one that is silent with its reason', async () => {
    const asked: string[] = [];
    const door = {
      call: async (host: string) => {
        asked.push(host);
        if (host === 'h2') throw new Failure('Unreachable', 'silence');
        return { clockMs: Date.now() + 60_000 };
      },
    } as unknown as SiteDoor;
    const readings = await readClocks(
      { containers: [{ name: 'h1' }, { name: 'h2' }] as never },
      door,
    );
    expect(asked.toSorted()).toEqual(['h1', 'h1', 'h2', 'physical-frontend', 'physical-frontend']);
    const skews = readings.map((each) =>
      'skewMs' in each ? Math.round(each.skewMs / 1000) : each,
    );
    expect(skews).toEqual([60, 60, { host: 'h2', error: 'silence' }]);
  });
});
