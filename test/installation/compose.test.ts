import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { searchAttributes } from '../../src/domain/engine-names.ts';

const root = join(import.meta.dirname, '..', '..');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      build: z.string().optional(),
      command: z.array(z.string()).optional(),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      secrets: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
      depends_on: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const compose = composeSchema.parse(parse(text, { merge: true }));
const services = Object.entries(compose.services);

test('ports are published on loopback alone', () => {
  const ports = services.flatMap(([, service]) => service.ports);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('everything that is referred to is there', () => {
  for (const [, service] of services) {
    for (const other of Object.keys(service.depends_on))
      expect(compose.services).toHaveProperty(other);
    for (const secret of service.secrets) expect(compose.secrets).toHaveProperty(secret);
    for (const volume of service.volumes) {
      // A directory beside the file needs no declaration.
      if (volume.startsWith('./')) continue;
      expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
    }
  }
  for (const worker of ['control-worker', 'site-worker']) {
    expect(existsSync(join(root, compose.services[worker]?.command?.[0] ?? 'nothing'))).toBe(true);
  }
});

test('no password stands in it, and the site worker gets none', () => {
  for (const [, service] of services) {
    for (const [name, value] of Object.entries(service.environment)) {
      if (/PASSWORD|PWD/.test(name)) expect(value).toMatch(/^\/run\/secrets\//);
    }
  }
  expect(compose.services['site-worker']?.secrets).toEqual([]);
});

test('it registers the search attributes that the workflows set', () => {
  for (const name of Object.values(searchAttributes)) expect(text).toContain(` ${name}:`);
});
