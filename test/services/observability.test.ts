import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Examined } from '../../src/cli/doctor/check.ts';
import { readRecipe } from '../../src/image/recipe.ts';
import type { InstallationReport } from '../../src/installation/inspect.ts';
import { checkRolls } from '../../src/rolls/rolls.ts';
import { runProgram, type Ended } from '../helpers/command-line.ts';
import { metricsAsked } from '../workers/prom-query.ts';

const root = join(import.meta.dirname, '..', '..');
const spec = `
name: demo
origin: alpine
sites: [{ name: alpine, computes: 1 }, { name: beach, computes: 1 }]
overlay: { kind: memory }
`;

/** A line that a worker logged, as far as it is looked at. */
interface Line {
  level: string;
  cluster?: string;
  site?: string;
  step?: string;
  attempt?: number;
  activity?: string;
  outcome?: string;
  msg: string;
}

let home: string;

function mvc(...argv: string[]): Promise<Ended> {
  return runProgram(process.execPath, [join(root, 'src/cli/main.ts'), ...argv], {
    ...process.env,
    MVC_HOME: home,
    MVC_IMAGES: join(home, 'images'),
    PATH: `${join(root, '.tools')}${delimiter}${process.env['PATH']}`,
  });
}

async function ok(...argv: string[]): Promise<string> {
  const ended = await mvc(...argv);
  if (ended.exitCode === 0) return ended.stdout;
  throw new Error(`mvc ${argv.join(' ')}: ${ended.exitCode}\n${ended.stdout}\n${ended.stderr}`);
}

async function logLines(...argv: string[]): Promise<Line[]> {
  const text = await ok('logs', ...argv, '--lines', 'all', '--json');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** Sites in memory need an image to be there; nobody boots it. */
async function plantImage(): Promise<void> {
  const { digest: recipe } = await readRecipe(checkRolls(['base', 'slurm', 'mpi']));
  const image = { digest: 'a'.repeat(64), size: 512 };
  await mkdir(join(home, 'images'));
  await writeFile(join(home, 'images', `${image.digest}.img`), Buffer.alloc(image.size));
  await writeFile(join(home, 'images', 'index.json'), JSON.stringify({ [recipe]: image }));
}

async function changeWorld(change: object): Promise<void> {
  const path = join(home, 'memory-world.json');
  const world = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...world, ...change }));
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mvc-observe-'));
  await plantImage();
  await ok('up');
  await ok('site', 'add', 'alpine', '--kind', 'memory', '--container', 'h1');
  await ok('site', 'add', 'beach', '--kind', 'memory', '--container', 'h1');
  await changeWorld({ faults: [{ site: 'beach', verb: 'ensureVms', when: 'before', times: 1 }] });
  await writeFile(join(home, 'demo.yaml'), spec);
  await ok('create', '-f', join(home, 'demo.yaml'));
});

afterAll(async () => {
  await mvc('down');
  await rm(home, { recursive: true, force: true });
});

describe('the logs of a build', () => {
  test('name cluster, site, step and attempt on the lines of its activities', async () => {
    const lines = await logLines('demo', '--step', 'computes', '--site', 'beach');
    const ensured = lines.filter((line) => line.activity === 'ensureVms');
    const place = { cluster: 'demo', site: 'beach', step: 'computes' };
    expect(ensured).toMatchObject([
      { ...place, attempt: 1, level: 'info', msg: 'ensureVms begins' },
      { ...place, attempt: 1, level: 'warn', msg: 'ensureVms failed', failure: 'Unreachable' },
      { ...place, attempt: 2, level: 'info', msg: 'ensureVms begins' },
      { ...place, attempt: 2, level: 'info', msg: 'ensureVms is done' },
    ]);
  });

  test('tell the begin and the end of every step at every site', async () => {
    const lines = (await logLines('demo')).filter((line) => line.msg.startsWith('step '));
    const ended = lines.filter((line) => line.outcome === 'done');
    const names = new Set(ended.map(({ step, site }) => `${step} ${site ?? ''}`.trim()));
    for (const step of ['reserve', 'image', 'edges', 'computes']) {
      expect([...names]).toEqual(expect.arrayContaining([`${step} alpine`, `${step} beach`]));
    }
    expect([...names]).toContain('verify');
    expect(lines.filter((line) => line.msg === 'step begins')).toHaveLength(ended.length);
  });

  test('are told apart by cluster, and as sentences for people', async () => {
    expect(new Set((await logLines('demo')).map((line) => line.cluster))).toEqual(
      new Set(['demo']),
    );
    expect(await logLines('other')).toEqual([]);
    expect(await ok('logs', 'demo', '--site', 'beach')).toMatch(
      /WARN {3}beach computes {6}ensureVms failed \(.*\): /,
    );
  });

  test("hold none of the installation's secrets", async () => {
    const logs = await Promise.all(
      ['control-worker', 'site-worker'].map((name) =>
        readFile(join(home, 'logs', `${name}.log`), 'utf8'),
      ),
    );
    const text = logs.join('\n');
    const password = await readFile(join(home, 'secrets', 'postgres-password'), 'utf8');
    const key = await readFile(join(home, 'secrets', 'vault-key'));
    expect(text).not.toContain(password.trim());
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(text).not.toContain(key.toString(form).replace(/=+$/, ''));
    }
    expect(text).not.toContain('PRIVATE KEY');
  });
});

describe('the metrics of the workers', () => {
  async function scrape(): Promise<Record<string, string>> {
    const { services } = JSON.parse(await ok('status', '--json')) as InstallationReport;
    const found = services.flatMap(({ name, metricsUrl }) =>
      metricsUrl === undefined ? [] : [{ name, metricsUrl }],
    );
    const texts = found.map(async ({ name, metricsUrl }) => {
      return [name, await (await fetch(metricsUrl)).text()] as const;
    });
    return Object.fromEntries(await Promise.all(texts));
  }

  test('count the build, its steps and its retry', async () => {
    const { 'control-worker': control = '', 'site-worker': site = '' } = await scrape();
    expect(control).toContain('mvc_operations_total{kind="build",outcome="succeeded",');
    expect(control).toMatch(/mvc_operations_total\{kind="build",outcome="succeeded",.*\} 1\n/);
    expect(control).toMatch(/mvc_clusters\{phase="ready",.*\} 1\n/);
    expect(control).toMatch(/mvc_clusters_parked\{.*\} 0\n/);
    expect(control).toMatch(/mvc_step_seconds_count\{.*site="beach",step="computes".*\} 1\n/);
    expect(site).toMatch(/mvc_activity_retries_total\{activity="ensureVms",site="beach",.*\} 1\n/);
  });

  test('have all that the dashboard asks for, but what only failures and ssh bring about', async () => {
    const text = Object.values(await scrape()).join('\n');
    const dashboard = JSON.parse(await readFile(join(root, 'dashboards', 'mvc.json'), 'utf8')) as {
      panels: { targets?: { expr: string }[] }[];
    };
    const asked = dashboard.panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => metricsAsked(expr)),
    );
    const rare = /^mvc_(ssh_connection|step_parked)/;
    const missing = [...new Set(asked)].filter(
      (name) => !rare.test(name) && !new RegExp(`^${name}[{ ]`, 'm').test(text),
    );
    expect(missing).toEqual([]);
  });
});

describe('mvc console', () => {
  test('shows what a VM has written', async () => {
    expect(await ok('console', 'demo', 'frontend')).toContain('demo-frontend at site alpine');
  });

  test('names the VMs when there is none of that name', async () => {
    const ended = await mvc('console', 'demo', 'compute-nowhere-0');
    expect(ended.exitCode).toBe(5);
    expect(ended.stderr).toContain('frontend, compute-alpine-0, compute-beach-0');
  });
});

describe('mvc doctor', () => {
  async function examination() {
    const ended = await mvc('doctor', '--json');
    const { healthy, checks } = JSON.parse(ended.stdout) as {
      healthy: boolean;
      checks: Examined[];
    };
    const findings = checks.flatMap((each) => each.findings);
    const failed = findings.filter((each) => each.verdict === 'fail').map((each) => each.subject);
    return { exitCode: ended.exitCode, healthy, findings, failed };
  }

  test('finds nothing to mend in an installation that is well', async () => {
    const { exitCode, healthy, failed, findings } = await examination();
    expect({ exitCode, healthy, failed }).toEqual({ exitCode: 0, healthy: true, failed: [] });
    expect(findings.map((each) => each.subject)).toEqual(
      expect.arrayContaining(['node', 'database', 'queues', 'schedules', 'site alpine']),
    );
  });

  test('finds a secret that others can read and a site that is away', async () => {
    const secret = join(home, 'secrets', 'vault-key');
    await chmod(secret, 0o644);
    await changeWorld({ unreachable: ['beach'] });
    try {
      const { exitCode, failed } = await examination();
      expect({ exitCode, failed }).toEqual({ exitCode: 1, failed: ['secrets', 'site beach'] });
    } finally {
      await chmod(secret, 0o600);
      await changeWorld({ unreachable: [] });
    }
  });

  test('says that nothing runs when nothing runs', async () => {
    await ok('down');
    const { exitCode, failed } = await examination();
    expect(exitCode).toBe(1);
    expect(failed).toContain('services');
  });
});
