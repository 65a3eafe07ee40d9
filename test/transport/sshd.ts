import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LibvirtSite } from '../../src/domain/site.ts';
import { fingerprint, generateSshKey } from '../../src/transport/ssh-key.ts';

/** A real OpenSSH server on loopback whose key may run nothing but the given program. */
export interface TestSshd {
  port: number;
  hostKey: string;
  /** Path of the private key that it accepts. */
  keyFile: string;
  directory: string;
  pid: number;
  stop(): Promise<void>;
}

/** @param command what the key may run, as sshd gives it to a shell. */
export async function startSshd(command: string, acceptedKey?: string): Promise<TestSshd> {
  const directory = mkdtempSync(join(tmpdir(), 'mvc-sshd-'));
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const host = generateSshKey('host');
  const user = generateSshKey('worker');
  const accepted = acceptedKey ?? user.publicKey;
  const port = await freePort();
  const program = join(directory, 'program');
  writeFileSync(program, `#!/bin/sh\n${command}\n`);
  chmodSync(program, 0o755);
  const config = file(
    'sshd_config',
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host', host.privateKey)}`,
      `AuthorizedKeysFile ${file('authorized_keys', `restrict,port-forwarding,command="${program}" ${accepted}\n`)}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'MaxStartups 100',
    ].join('\n'),
  );
  // OpenSSH insists on it when it runs as root.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], {
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  });
  await waitForPort(port);
  return {
    port,
    hostKey: fingerprint(host.publicKey),
    keyFile: file('key', user.privateKey),
    directory,
    pid: child.pid ?? 0,
    async stop() {
      const ended = once(child, 'exit');
      process.kill(child.pid ?? 0, 'SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A site whose physical frontend and one VM container `c1` are these servers. */
export function siteOf(frontend: TestSshd, container = frontend): LibvirtSite {
  const user = userInfo().username;
  const at = (server: TestSshd) => ({
    address: '127.0.0.1',
    port: server.port,
    user,
    hostKey: server.hostKey,
  });
  return {
    name: 'here',
    kind: 'libvirt',
    key: frontend.keyFile,
    frontend: {
      ...at(frontend),
      publicAddress: '127.0.0.1',
      lanAddress: '127.0.0.1',
      inbound: true,
    },
    containers: [{ ...at(container), name: 'c1' }],
    network: {
      bridge: 'lan0',
      gateway: '192.0.2.1',
      prefixLength: 24,
      addresses: ['192.0.2.100'],
    },
    udpPorts: { first: 7700, last: 7800 },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function waitForPort(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens at port ${port}`);
}
