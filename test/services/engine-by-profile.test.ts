import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAuthority, type KeyPair } from '../helpers/certificates.ts';
import { runProgram, type Ended } from '../helpers/command-line.ts';
import { startEngine } from '../helpers/controller.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startTlsProxy, type TlsProxy } from '../helpers/tls-proxy.ts';

/**
 * All programs find an engine with TLS by one file of profiles: the control worker by an API key from a
 * file, the site worker by a client certificate, the command line by either.
 */
const root = join(import.meta.dirname, '..', '..');
const apiKey = 'key-that-nobody-may-see-4711';
const undo: (() => Promise<unknown>)[] = [];
const started: { child: ChildProcess; output: () => string }[] = [];
let directory: string;
let engine: TestWorkflowEnvironment;
let postgres: TestPostgres;
/** Admits whoever shows the API key or a client certificate. */
let open: TlsProxy;
/** Ends the handshake with whoever shows no client certificate. */
let strict: TlsProxy;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-profile-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  engine = await startEngine({});
  undo.push(() => engine.teardown());
  postgres = await startPostgres();
  undo.push(() => postgres.stop());
  await prepare();
});

afterAll(async () => {
  for (const { child } of started) await end(child);
  for (const each of undo.toReversed()) await each();
});

async function prepare(): Promise<void> {
  const authority = await TestAuthority.create(directory, 'authority');
  const stranger = await TestAuthority.create(directory, 'stranger');
  const server = await authority.issue('temporal.example.org');
  const worker = await authority.issue('site-worker');
  const unknown = await stranger.issue('site-worker');
  const common = { target: engine.address, pair: server, clientAuthority: authority.pair };
  open = await startTlsProxy({
    ...common,
    requireCertificate: false,
    admits: (caller) =>
      caller.certificate !== undefined || caller.authorization === `Bearer ${apiKey}`,
  });
  strict = await startTlsProxy({ ...common, requireCertificate: true, admits: () => true });
  undo.push(
    () => open.close(),
    () => strict.close(),
  );
  const file = (name: string, text: string) =>
    writeFile(join(directory, name), text, { mode: 0o600 });
  await file('api-key', `${apiKey}\n`);
  await file('wrong-api-key', 'another key\n');
  await file('postgres-password', `${postgres.settings.password}\n`);
  await file(
    'temporal.toml',
    [
      profile('key', open, authority.pair),
      profile('certificate', strict, authority.pair, worker),
      profile('no-certificate', strict, authority.pair),
      profile('strange-certificate', strict, authority.pair, unknown),
      profile('wrong-authority', open, stranger.pair),
      `[profile.plain]\naddress = "${open.address}"`,
    ].join('\n\n'),
  );
  env = {
    PATH: process.env['PATH'],
    TEMPORAL_CONFIG_FILE: join(directory, 'temporal.toml'),
    MVC_POSTGRES_URL: `postgres://${postgres.settings.user}@127.0.0.1:${postgres.settings.port}/postgres`,
    MVC_POSTGRES_PASSWORD_FILE: join(directory, 'postgres-password'),
  };
}

function profile(name: string, proxy: TlsProxy, authority: KeyPair, client?: KeyPair): string {
  return [
    `[profile.${name}]`,
    `address = "${proxy.address}"`,
    `[profile.${name}.tls]`,
    'server_name = "temporal.example.org"',
    `server_ca_cert_path = "${authority.certFile}"`,
    ...(client
      ? [`client_cert_path = "${client.certFile}"`, `client_key_path = "${client.keyFile}"`]
      : []),
  ].join('\n');
}

function settings(name: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...env, MVC_HOME: join(directory, 'home'), TEMPORAL_PROFILE: name, ...more };
}

const withKey = (file = 'api-key') => ({ MVC_TEMPORAL_API_KEY_FILE: join(directory, file) });

function mvc(environment: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ended> {
  return runProgram(process.execPath, [join(root, 'src/cli/main.ts'), ...argv], environment);
}

function start(program: string, environment: NodeJS.ProcessEnv): () => string {
  const child = spawn(process.execPath, [join(root, 'src/workers', program)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  const output = () => text;
  started.push({ child, output });
  return output;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function says(output: () => string, words: string): Promise<void> {
  for (let tries = 0; !output().includes(words); tries++) {
    if (tries > 300) throw new Error(`it never said "${words}", but:\n${output()}`);
    await sleep(100);
  }
}

test('control worker, site worker and command line work together through TLS, each by its profile', async () => {
  const control = start('control-worker.ts', settings('key', withKey()));
  const site = start('site-worker.ts', {
    ...settings('certificate', { MVC_SITES: 'alpine', MVC_HOME: join(directory, 'site-home') }),
    MVC_POSTGRES_URL: undefined,
  });
  await says(control, 'control worker runs');
  await says(site, 'serves the site');
  const added = await mvc(
    settings('key', withKey()),
    'site',
    'add',
    'alpine',
    '--kind',
    'memory',
    '--container',
    'h1',
  );
  expect(added).toMatchObject({ exitCode: 0 });
  const listed = await mvc(settings('certificate'), 'site', 'list', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject([{ site: { name: 'alpine' } }]);
});

test('the API key and the client certificate reach the server', () => {
  const polls = (proxy: TlsProxy) =>
    proxy.callers.filter(({ path }) => path.endsWith('/PollActivityTaskQueue'));
  expect(polls(open).length).toBeGreaterThan(0);
  for (const call of polls(open)) expect(call.authorization).toBe(`Bearer ${apiKey}`);
  expect(polls(strict).length).toBeGreaterThan(0);
  for (const call of polls(strict)) expect(call.certificate).toBe('site-worker');
});

test('neither key nor password stands in arguments, environment or logs', async () => {
  expect(started).toHaveLength(2);
  for (const { child, output } of started) {
    for (const place of ['cmdline', 'environ']) {
      const text = await readFile(`/proc/${child.pid}/${place}`, 'utf8');
      expect(text).not.toContain(apiKey);
      expect(text).not.toContain(postgres.settings.password);
    }
    expect(output()).not.toContain(apiKey);
    expect(output()).not.toContain(postgres.settings.password);
  }
});

test.each([
  ['wrong-authority', 7, 'is not trusted'],
  ['no-certificate', 7, 'refuses us without a client certificate'],
  ['strange-certificate', 7, 'refuses our client certificate'],
  ['plain', 2, 'speaks TLS, our settings do not'],
])('profile %s ends with %d and a sentence: %s', async (name, exitCode, words) => {
  const ended = await mvc(settings(name), 'inventory');
  expect(ended.stderr).toContain(words);
  expect(ended.exitCode).toBe(exitCode);
});

test('an API key that the server refuses is told as such', async () => {
  const ended = await mvc(settings('key', withKey('wrong-api-key')), 'inventory');
  expect(ended.stderr).toContain('refuses our key');
  expect(ended.exitCode).toBe(7);
});

test('a worker with the wrong authority says so once, and waits', async () => {
  const output = start('site-worker.ts', settings('wrong-authority', { MVC_SITES: 'alpine' }));
  await says(output, 'is not trusted');
  await sleep(5_000);
  expect(output().match(/is not trusted/g)).toHaveLength(1);
});
