import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Failure, type FailureKind } from '../../src/domain/failure.ts';
import type { LibvirtSite } from '../../src/domain/site.ts';
import { bundleMvcSite } from '../../src/site/bundle.ts';
import { createSshDoor, type SshDoor } from '../../src/transport/ssh-door.ts';
import {
  fetchHostKey,
  fingerprint,
  generateSshKey,
  scanHostKey,
} from '../../src/transport/ssh-key.ts';
import { freePort, siteOf, startSshd, type TestSshd } from './sshd.ts';

const answer = (result: unknown) => `echo '${JSON.stringify({ ok: true, result })}'`;
const noVms = answer({ vms: [] });
const servers: TestSshd[] = [];
const doors: SshDoor[] = [];

async function sshd(command: string, acceptedKey?: string): Promise<TestSshd> {
  const server = await startSshd(command, acceptedKey);
  servers.push(server);
  return server;
}

function doorOf(site: LibvirtSite): SshDoor {
  const door = createSshDoor(site);
  doors.push(door);
  return door;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

afterEach(async () => {
  for (const door of doors.splice(0)) door.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe('a site over ssh', () => {
  it('answers through the physical frontend, with the key checked at both hops', async () => {
    const frontend = await sshd('exit 9');
    const container = await sshd(noVms, publicKeyOf(frontend));
    const door = doorOf(siteOf(frontend, container));
    expect(await door.call('c1', 'vm.describe', {})).toEqual({ vms: [] });
  });

  it('hears as which host it is asked only where one machine is two hosts', async () => {
    const tellRequest = `read -r line; printf '%s' "$line" > "$(dirname "$0")/request"; ${noVms}`;
    const asked = (server: TestSshd) =>
      JSON.parse(readFileSync(join(server.directory, 'request'), 'utf8')) as { host?: string };
    const machine = await sshd(tellRequest);
    await doorOf(siteOf(machine)).call('c1', 'vm.describe', {});
    expect(asked(machine).host).toBe('c1');

    const container = await sshd(tellRequest, publicKeyOf(machine));
    await doorOf(siteOf(machine, container)).call('c1', 'vm.describe', {});
    expect(asked(container).host).toBeUndefined();
  });

  it('is not spoken to when the physical frontend shows another host key', async () => {
    const server = await sshd('touch "$(dirname "$0")/was-run"');
    const site = siteOf(server);
    const registered = fingerprint(generateSshKey('other').publicKey);
    const door = doorOf({ ...site, frontend: { ...site.frontend, hostKey: registered } });
    const failure = await failureOf(door.call('physical-frontend', 'facts', {}));
    expect(failure).toMatchObject({ kind: 'HostKeyChanged', host: 'physical-frontend' });
    expect(failure.message).toContain(registered);
    expect(failure.message).toContain(server.hostKey);
    expect(() => readFileSync(join(server.directory, 'was-run'))).toThrow('ENOENT');
  });

  it('is not spoken to when a VM container behind it shows another host key', async () => {
    const frontend = await sshd('exit 9');
    const container = await sshd(noVms, publicKeyOf(frontend));
    const site = siteOf(frontend, { ...container, hostKey: frontend.hostKey });
    const failure = await failureOf(doorOf(site).call('c1', 'vm.describe', {}));
    expect(failure).toMatchObject({ kind: 'HostKeyChanged', host: 'c1' });
    expect(failure.message).toContain('host c1');
  });

  it('refuses a key that it does not know as AccessDenied', async () => {
    const server = await sshd(noVms, generateSshKey('somebody').publicKey);
    const failure = await failureOf(doorOf(siteOf(server)).call('physical-frontend', 'facts', {}));
    expect(failure.kind).toBe('AccessDenied');
    expect(failure.retryable).toBe(false);
  });

  it('is Unreachable where nothing listens', async () => {
    const server = await sshd(noVms);
    const site = siteOf(server);
    site.frontend.port = await freePort();
    const failure = await failureOf(doorOf(site).call('c1', 'facts', {}));
    expect(failure).toMatchObject({ kind: 'Unreachable', host: 'physical-frontend' });
  });

  it('says that it is the VM container that is away when the physical frontend answers', async () => {
    const frontend = await sshd('exit 9');
    const site = siteOf(frontend, { ...frontend, port: await freePort() });
    const failure = await failureOf(doorOf(site).call('c1', 'vm.describe', {}));
    expect(failure).toMatchObject({ kind: 'Unreachable', host: 'c1' });
    expect(failure.message).toContain('host c1 cannot be reached');
    expect(failure.message).toContain('host physical-frontend could not connect to it');
  });

  const bad: [string, string, FailureKind][] = [
    ['ends with status 3 after a whole answer', `${noVms}; exit 3`, 'CommandFailed'],
    ['is killed after a whole answer', `${noVms}; kill -9 $$`, 'CommandFailed'],
    ['breaks off in the middle of its answer', `printf '{"ok":true,'`, 'Unreachable'],
    ['answers something else', 'echo Welcome', 'Protocol'],
    ['answers more than it may', answer({ vms: [], extra: 1 }), 'Protocol'],
    ['may not use sudo', 'echo "sudo: a password is required" >&2; exit 1', 'AccessDenied'],
    ['is not installed', 'exec /nowhere/mvc-site', 'MissingTool'],
  ];
  it.each(bad)('tells when the program %s', async (_, command, kind) => {
    const server = await sshd(command);
    const failure = await failureOf(
      doorOf(siteOf(server)).call('physical-frontend', 'vm.describe', {}),
    );
    expect(failure).toMatchObject({ kind, host: 'physical-frontend' });
  });

  it('passes on the failure that the host answered, with control characters made visible', async () => {
    const said = { kind: 'NoCapacity', message: 'full \u001b[2J', help: 'wait' };
    const line = JSON.stringify({ ok: false, failure: said }).replace('\\', '\\\\');
    const server = await sshd(`printf '%b\\n' '${line}'`);
    const failure = await failureOf(
      doorOf(siteOf(server)).call('physical-frontend', 'vm.describe', {}),
    );
    expect(failure).toMatchObject({ kind: 'NoCapacity', host: 'physical-frontend' });
    expect(failure.message).toContain('full');
    expect(failure.message).not.toContain('\u001b');
  });

  // The program ends the sshd of its own session, as a broken line would.
  const cutOnce = `
    once="$(dirname "$0")/cut"
    if [ ! -e "$once" ]; then touch "$once"; kill -9 $PPID; sleep 5; fi
    ${noVms}`;
  it.each(['physical-frontend', 'c1'])(
    'leaves the outcome open when %s is cut off, and is connected anew for the next question',
    async (host) => {
      const frontend = await sshd(cutOnce);
      const container = await sshd(cutOnce, publicKeyOf(frontend));
      const door = doorOf(siteOf(frontend, container));
      const failure = await failureOf(door.call(host, 'vm.describe', {}));
      expect(failure).toMatchObject({ kind: 'Unreachable', host });
      expect(failure.message).toContain('whether it was done is unknown');
      expect(await door.call(host, 'vm.describe', {})).toEqual({ vms: [] });
    },
  );

  it('ends with Timeout when the program hangs, and with the reason of an abort', async () => {
    const server = await sshd('exec sleep 30');
    const door = doorOf(siteOf(server));
    const late = await failureOf(
      door.call('physical-frontend', 'vm.describe', {}, { timeoutMs: 700 }),
    );
    expect(late).toMatchObject({ kind: 'Timeout', host: 'physical-frontend' });
    const stopped = new Error('stopped by the caller');
    await expect(
      door.call('physical-frontend', 'vm.describe', {}, { signal: AbortSignal.abort(stopped) }),
    ).rejects.toBe(stopped);
  });

  it('is asked twenty things at once over one connection', async () => {
    const server = await sshd(`sleep 0.2; ${noVms}`);
    const door = doorOf(siteOf(server));
    const calls = Array.from({ length: 20 }, () =>
      door.call('physical-frontend', 'vm.describe', {}),
    );
    expect(await Promise.all(calls)).toHaveLength(20);
  });

  it('refuses a private key that others can read, before it connects', async () => {
    const server = await sshd(noVms);
    chmodSync(server.keyFile, 0o640);
    const failure = await failureOf(doorOf(siteOf(server)).call('physical-frontend', 'facts', {}));
    expect(failure.kind).toBe('AccessDenied');
    expect(failure.message).toContain('can be read by other accounts');
  });

  it('shows its host key to a scan that never logs in', async () => {
    const server = await sshd(noVms);
    const target = { address: '127.0.0.1', port: server.port };
    expect(await scanHostKey(target)).toBe(server.hostKey);
    const line = await fetchHostKey({ ...target, expected: server.hostKey });
    expect(line).toMatch(/^ssh-ed25519 AAAA/);
    expect(fingerprint(line)).toBe(server.hostKey);
    const expected = fingerprint(generateSshKey('other').publicKey);
    await expect(fetchHostKey({ ...target, expected })).rejects.toMatchObject({
      kind: 'HostKeyChanged',
    });
  });
});

describe('mvc-site behind a forced command', () => {
  let program: string;
  beforeAll(async () => {
    program = await bundleMvcSite({ policyFile: '/nowhere/policy.json' });
  });

  it('runs on the distribution’s node and asks for a policy where there is none', async () => {
    const server = await sshd('exec /usr/bin/node "$(dirname "$0")/mvc-site"');
    writeFileSync(join(server.directory, 'mvc-site'), program);
    const failure = await failureOf(doorOf(siteOf(server)).call('physical-frontend', 'facts', {}));
    expect(failure.kind).toBe('Forbidden');
    expect(failure.help).toContain('mvc site prepare');
  });
});

function publicKeyOf(server: TestSshd): string {
  const line = readFileSync(join(server.directory, 'authorized_keys'), 'utf8');
  return line.slice(line.indexOf('ssh-ed25519')).trim();
}
