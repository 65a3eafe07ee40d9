import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { readIfPresent, writeAtomically } from './files.ts';
import type { Home } from './home.ts';
import { commandLine, listPids } from './process-id.ts';
import { portsSchema, type Ports } from './services-state.ts';

const preferred: Ports = { temporal: 7233, ui: 8233, postgres: 5433 };
const portNames = ['temporal', 'ui', 'postgres'] as const;

const configSchema = z.looseObject({ ports: portsSchema.partial().default({}) });

/**
 * Decides the ports of the services and remembers them: those asked for, else those of the last
 * time, else the usual ones, else the next free ones.
 *
 * @throws {Failure} Conflict naming the owner, if a port that was asked for is taken.
 */
export async function choosePorts(home: Home, asked: Partial<Ports>): Promise<Ports> {
  const config = await readConfig(home);
  const chosen: Partial<Ports> = {};
  for (const name of portNames) {
    const wanted = asked[name];
    if (wanted !== undefined) {
      await requireFree(name, wanted);
      chosen[name] = wanted;
    } else {
      const first = config.ports[name] ?? preferred[name];
      chosen[name] = await nextFreePort(first, Object.values(chosen));
    }
  }
  const ports = portsSchema.parse(chosen);
  await writeAtomically(home.configFile, `${JSON.stringify({ ...config, ports }, undefined, 2)}\n`);
  return ports;
}

async function readConfig(home: Home): Promise<z.infer<typeof configSchema>> {
  const text = await readIfPresent(home.configFile);
  try {
    return configSchema.parse(JSON.parse(text ?? '{}'));
  } catch (error) {
    throw new Failure('BadInput', `${home.configFile} cannot be read as settings`, {
      help: 'correct or remove it',
      cause: error,
    });
  }
}

async function requireFree(name: string, port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new Failure('Conflict', `port ${port} (${name}) is taken by ${await ownerOfPort(port)}`, {
    help: `choose another one with --port-${name}, or leave it out to get a free one`,
  });
}

async function nextFreePort(first: number, taken: number[]): Promise<number> {
  for (let port = first; port < first + 200 && port < 65_536; port++) {
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Failure('Conflict', `no port from ${first} to ${first + 199} is free`, {
    help: 'choose one with --port-temporal, --port-ui and --port-postgres',
  });
}

/** Whether somebody could listen on this port of the loopback address now. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

/** Who listens on a TCP port, in words: `process 812 (postgres -D …)`. */
export async function ownerOfPort(port: number): Promise<string> {
  const inodes = await listeningInodes(port);
  for (const pid of await listPids()) {
    if (await holdsSocket(pid, inodes)) return `process ${pid} (${await commandLine(pid)})`;
  }
  return 'a process of another user';
}

async function listeningInodes(port: number): Promise<Set<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const rows = tables.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)));
  const listening = '0A';
  return new Set(
    rows
      .filter((row) => row[1]?.endsWith(suffix) && row[3] === listening)
      .map((row) => `socket:[${row[9]}]`),
  );
}

async function holdsSocket(pid: number, sockets: Set<string>): Promise<boolean> {
  // The process may end, or be another user's: then it cannot be the one we can name.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (sockets.has(target)) return true;
  }
  return false;
}
