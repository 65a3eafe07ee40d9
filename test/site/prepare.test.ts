import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { renderPrepareScript, type PrepareOptions } from '../../src/site/prepare.ts';

const publicKey = generateSshKey('mvc@alpine').publicKey.trim();
const program = "#!/usr/bin/node\nconsole.log(`it's $HOME`, '\\\\n');\n";
const frontend: PrepareOptions = {
  policy: { host: 'physical-frontend', udpPorts: { first: 7700, last: 7799 } },
  publicKey,
  program,
  jumpTo: [{ address: '192.168.10.11' }, { address: '192.168.10.100', port: 2222 }],
};
const container: PrepareOptions = {
  policy: { host: 'h1', siteBridges: ['lan0'], udpPorts: { first: 7700, last: 7799 } },
  publicKey,
  program,
};

describe('the script that prepares a host', () => {
  it('is a shell script that does nothing before its last line', () => {
    const script = renderPrepareScript(frontend);
    expect(script.endsWith('\nmain\n')).toBe(true);
    expect(sh(withoutMain(script))).toBe('');
  });

  it('allows the key the program alone, and jumps to the named targets alone', () => {
    const line = sh(`${withoutMain(renderPrepareScript(frontend))}\nprintf %s "$KEY_LINE"`);
    expect(line).toBe(
      'restrict,port-forwarding,permitopen="192.168.10.11:22",permitopen="192.168.10.100:2222",' +
        `command="sudo -n /usr/local/lib/mvc/mvc-site" ${publicKey}`,
    );
  });

  it('allows no forwarding at a VM container', () => {
    const script = withoutMain(renderPrepareScript(container));
    expect(sh(`${script}\nprintf %s "$KEY_LINE"`)).toMatch(/^restrict,command=/);
    expect(sh(`${script}\nsshd_settings`)).toContain('AllowTcpForwarding no');
  });

  it('carries the program and the policy unchanged', () => {
    const script = withoutMain(renderPrepareScript(container));
    expect(sh(`${script}\nprogram | base64 -d | gzip -d`)).toBe(program);
    expect(sh(`${script}\nprintf %s "$PROGRAM_SHA256"`)).toBe(
      createHash('sha256').update(program).digest('hex'),
    );
    expect(JSON.parse(sh(`${script}\npolicy`))).toEqual({
      host: 'h1',
      pool: '/var/lib/mvc',
      siteBridges: ['lan0'],
      udpPorts: { first: 7700, last: 7799 },
    });
  });

  describe('at a host that has a policy already', () => {
    const policyOver = (before: string | undefined, options = container): unknown => {
      const directory = mkdtempSync(join(tmpdir(), 'mvc-policy-'));
      const file = join(directory, 'policy.json');
      if (before !== undefined) writeFileSync(file, before);
      const script = withoutMain(renderPrepareScript(options));
      const here = script.replaceAll('/usr/bin/node', process.execPath);
      try {
        return JSON.parse(sh(`${here}\nkept_policy '${file}'`));
      } finally {
        rmSync(directory, { recursive: true });
      }
    };
    const own = { pool: '/var/lib/mvc', siteBridges: ['lan0'], ...container.policy };

    it('keeps what its administrator alone has set, and renews the rest', () => {
      const set = { maxCpus: 4, outside: ['203.0.113.0/24'] };
      const before = JSON.stringify({ ...own, ...set, udpPorts: { first: 1, last: 2 }, else: 1 });
      expect(policyOver(before)).toEqual({ ...own, ...set });
    });

    it('says what it says itself', () => {
      const before = JSON.stringify({ ...own, maxCpus: 4 });
      const options = { ...container, policy: { ...container.policy, maxCpus: 8 } };
      expect(policyOver(before, options)).toEqual({ ...own, maxCpus: 8 });
    });

    it.each([[undefined], ['not JSON'], ['null']])('is as without one if that is %s', (before) => {
      expect(policyOver(before)).toEqual(own);
    });
  });

  it('asks for libvirt and QEMU at a VM container only', () => {
    const needs = (options: PrepareOptions) =>
      sh(`${withoutMain(renderPrepareScript(options))}\nneeds`);
    expect(needs(container)).toContain('virsh libvirt-clients\n');
    expect(needs(frontend)).not.toContain('libvirt');
  });

  it('makes one machine the physical frontend and a VM container', () => {
    const policy = { ...frontend.policy, container: 'h1', siteBridges: ['lan0'] };
    const script = withoutMain(renderPrepareScript({ ...frontend, policy }));
    expect(sh(`${script}\nneeds`)).toContain('virsh libvirt-clients\n');
    expect(sh(`${script}\nprintf %s "$KEY_LINE"`)).toMatch(/^restrict,port-forwarding,permitopen/);
    expect(JSON.parse(sh(`${script}\npolicy`))).toMatchObject(policy);
    expect(sh(`${script}\nprintf %s "$HOST"`)).toBe('physical-frontend and VM container h1');
  });

  it.each<[string, Partial<PrepareOptions>]>([
    ['a second line behind the key', { publicKey: `${publicKey}\nssh-ed25519 AAAA` }],
    ['options in front of the key', { publicKey: `no-pty ${publicKey}` }],
    ['quotes in the key', { publicKey: `${publicKey}"'$(id)` }],
    ['a jump target that is no address', { jumpTo: [{ address: '1.2.3.4",command="sh' }] }],
    ['root as the account', { account: 'root' }],
    ['a second word in the account', { account: 'mvc ALL' }],
    ['a program that is none', { program: 'hello' }],
    ['a pool with a blank', { policy: { ...frontend.policy, pool: '/var/lib/mvc $(id)' } }],
    ['jumps through a VM container', { policy: container.policy }],
  ])('refuses %s', (_, wrong) => {
    expect(() => renderPrepareScript({ ...frontend, ...wrong })).toThrow(
      /^the preparation of a host is not valid/,
    );
  });
});

function withoutMain(script: string): string {
  return script.replace(/\nmain\n$/, '\n');
}

function sh(script: string): string {
  return execFileSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8' });
}
