import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { searchAttributes } from '../../src/domain/engine-names.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.object({ context: z.string(), target: z.string() }).optional(),
      restart: z.string(),
      read_only: z.boolean().default(false),
      security_opt: z.array(z.string()).default([]),
      cap_drop: z.array(z.string()).default([]),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      networks: z.array(z.string()),
      secrets: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
      healthcheck: z.unknown().optional(),
    }),
  ),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

const text = read('docker-compose.yml');
const document: unknown = parse(text, { merge: true });
const compose = composeSchema.parse(document);
const services = Object.entries(compose.services);
const dockerfile = read('Dockerfile');

test('it is valid by the published schema of compose files', () => {
  const published = JSON.parse(
    read('test/installation/data/compose-spec.json'),
  ) as z.core.JSONSchema.JSONSchema;
  // The schema names its dialect by an address that only some readers know.
  const schema = z.fromJSONSchema({
    ...published,
    $schema: 'http://json-schema.org/draft-07/schema#',
  });
  expect(schema.safeParse({ services: { one: { imagee: 'planted' } } }).success).toBe(false);
  expect(schema.parse(document)).toBeTruthy();
});

const hasCompose = succeeds('docker', 'compose', 'version');

test.skipIf(!hasCompose)('it is valid by docker compose config', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mvc-compose-'));
  try {
    const planted = join(directory, 'planted.yml');
    writeFileSync(planted, 'services: { one: { imagee: planted } }\n');
    expect(succeeds('docker', 'compose', '--file', planted, 'config', '--quiet')).toBe(false);
    const file = join(root, 'docker-compose.yml');
    expect(succeeds('docker', 'compose', '--file', file, 'config', '--quiet')).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function succeeds(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('ports are published on loopback alone', () => {
  const ports = services.flatMap(([, service]) => service.ports);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('a port is published only from a network that leads out', () => {
  for (const [, service] of services.filter(([, each]) => each.ports.length > 0)) {
    expect(service.networks.some((name) => !compose.networks[name]?.internal)).toBe(true);
  }
});

test('everything that is referred to is there', () => {
  for (const [, service] of services) {
    for (const other of Object.keys(service.depends_on))
      expect(compose.services).toHaveProperty(other);
    for (const secret of service.secrets) expect(compose.secrets).toHaveProperty(secret);
    for (const network of service.networks) expect(compose.networks).toHaveProperty(network);
    for (const volume of service.volumes) {
      // A directory beside the file needs no declaration.
      if (volume.startsWith('./')) continue;
      expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
    }
  }
  for (const [script] of text.matchAll(/(?<=[\s[]\/)compose\/[\w.-]+/g)) {
    expect(existsSync(join(root, script)), script).toBe(true);
  }
});

test('every service has a health check, or runs once and is waited for', () => {
  const waitedFor = services.flatMap(([, service]) => Object.entries(service.depends_on));
  for (const [name, service] of services) {
    if (service.build) continue;
    const conditions = waitedFor
      .filter(([other]) => other === name)
      .map(([, each]) => each.condition);
    if (service.healthcheck) expect(conditions).not.toContain('service_started');
    else expect(conditions).toContain('service_completed_successfully');
  }
});

test('images have a full version, and all of Temporal the same', () => {
  const images = services.flatMap(([, service]) => (service.build ? [] : [service.image]));
  for (const image of images) expect(image).toMatch(/:\d+\.\d+(\.\d+)?$/);
  const versions = images
    .filter((image) => /\/(server|admin-tools):/.test(image))
    .map((image) => image.split(':')[1]);
  expect(new Set(versions).size).toBe(1);
});

test('no password stands in it, and only who needs a secret gets it', () => {
  for (const [, service] of services) {
    for (const [name, value] of Object.entries(service.environment)) {
      if (/PASSWORD|PWD|KEY/.test(name)) expect(value).toMatch(/^\/run\/secrets\//);
    }
  }
  const holders = (secret: string) =>
    services.filter(([, service]) => service.secrets.includes(secret)).map(([name]) => name);
  expect(holders('postgres-password')).toEqual(['postgres', 'control-worker']);
  expect(holders('temporal-password')).toEqual([
    'temporal-postgres',
    'temporal-schema',
    'temporal',
  ]);
});

test('the site worker reaches neither the database nor the vault', () => {
  const site = compose.services['site-worker'];
  expect(site?.secrets).toEqual([]);
  expect(site?.networks).not.toContain('records');
  expect(site?.volumes.join(' ')).not.toContain('control:');
  expect(Object.keys(site?.environment ?? {}).join(' ')).not.toMatch(/POSTGRES|PG/);
});

test('what is ours or of Temporal runs without privileges', () => {
  for (const [name, service] of services) {
    expect(service.security_opt).toContain('no-new-privileges:true');
    if (name.endsWith('postgres')) continue;
    expect(service.cap_drop, name).toEqual(['ALL']);
    expect(service.read_only, name).toBe(name !== 'temporal-ui');
  }
});

test('it registers the search attributes that the workflows set', () => {
  const script = read('compose/temporal-namespace.sh');
  for (const [key, name] of Object.entries(searchAttributes)) {
    expect(script).toContain(` ${name}:${key === 'attention' ? 'Bool' : 'Keyword'}`);
  }
});

describe('the Dockerfile', () => {
  test.each(['control-worker', 'site-worker'])(
    'has %s as a stage, with its health check',
    (worker) => {
      expect(compose.services[worker]?.build?.target).toBe(worker);
      const stage = dockerfile
        .split(/^FROM /m)
        .find((each) => each.startsWith(`mvc AS ${worker}\n`));
      const program = /CMD \["(src\/[^"]+)"\]/.exec(stage ?? '')?.[1] ?? 'nothing';
      expect(program).toContain(worker);
      expect(existsSync(join(root, program))).toBe(true);
      expect(stage).toMatch(new RegExp(`HEALTHCHECK .*\\n +CMD .*check-alive.ts", "${worker}"`));
    },
  );

  test('installs what runs, as a user without rights, from an image with a full version', () => {
    expect(dockerfile).toContain('npm ci --omit=dev --ignore-scripts');
    expect(dockerfile).toContain('\nUSER node\n');
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    for (const base of bases.filter((each) => each !== 'mvc')) {
      expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
    }
  });

  test('brings the Node that package.json asks for', () => {
    const { dependencies } = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    expect(dockerfile).toContain(`FROM node:${dependencies['node']}-`);
  });
});
