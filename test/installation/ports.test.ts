import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureHome, mvcHome, type Home } from '../../src/installation/home.ts';
import { choosePorts, isFree } from '../../src/installation/ports.ts';

let home: Home;
let occupied: Server;
let port: number;

beforeEach(async () => {
  home = mvcHome({ MVC_HOME: await mkdtemp(join(tmpdir(), 'mvc-ports-')) });
  await ensureHome(home);
  occupied = createServer();
  await new Promise<void>((resolve) => occupied.listen(0, '127.0.0.1', resolve));
  port = (occupied.address() as AddressInfo).port;
});

afterEach(async () => {
  occupied.close();
  await rm(home.root, { recursive: true });
});

test('a taken port that was asked for is refused, with the owner named', async () => {
  const asking = choosePorts(home, { ui: port });
  await expect(asking).rejects.toMatchObject({ kind: 'Conflict' });
  await expect(asking).rejects.toThrow(`port ${port} (ui) is taken by process ${process.pid} (`);
});

test('ports are chosen free and different, and remembered', async () => {
  const first = await choosePorts(home, {});
  expect(new Set(Object.values(first)).size).toBe(3);
  for (const each of Object.values(first)) expect(await isFree(each)).toBe(true);
  expect(await choosePorts(home, {})).toEqual(first);
  expect(JSON.parse(await readFile(home.configFile, 'utf8'))).toEqual({ ports: first });
});

test('a remembered port that somebody took is given up for the next free one', async () => {
  const before = await choosePorts(home, {});
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(before.ui, '127.0.0.1', resolve));
  const after = await choosePorts(home, {});
  taker.close();
  expect(after.ui).not.toBe(before.ui);
  expect(after.postgres).toBe(before.postgres);
});
