import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const main = join(import.meta.dirname, '..', '..', 'src/cli/main.ts');
const scripts = join(import.meta.dirname, '..', '..', 'src/cli/shells');
const env = { ...process.env, MVC_HOME: '/nonexistent/mvc', LC_ALL: 'C' };
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-shells-'));
  program('mvc', `exec ${process.execPath} ${main} "$@"`);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function program(name: string, body: string): string {
  const file = join(directory, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0;
}

describe.skipIf(!isInstalled('bash'))('bash', () => {
  /** What bash would offer for the words, of which the last one is being typed. */
  function offers(words: string[], called = join(directory, 'mvc')): string[] {
    const script = `
      source ${scripts}/mvc.bash
      COMP_WORDS=(${called} ${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length}
      _mvc mvc
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['--norc', '-c', script], { cwd: directory, env });
    return said.toString().trim().split('\n');
  }

  test('completes commands', () => {
    expect(offers(['sta'])).toEqual(['status', 'start']);
  });

  test('completes options', () => {
    expect(offers(['create', 'demo', '--ins'])).toEqual(['--insecure']);
  });

  test('completes names of files, with blanks in them', () => {
    writeFileSync(join(directory, 'my spec.yaml'), '');
    expect(offers(['create', '-f', 'my'])).toEqual(['my spec.yaml']);
  });

  test('offers nothing if the program is broken', () => {
    expect(offers(['sta'], program('broken', 'echo sorry >&2; exit 1'))).toEqual(['']);
  });

  test('hands over each word as it is, empty ones too', () => {
    const echo = program('echoes', String.raw`shift 2; printf '<%s>\t\n' "$@"`);
    expect(offers(['a b', '$(id)', ''], echo)).toEqual(['<a b>', '<$(id)>', '<>']);
  });
});

describe.skipIf(!isInstalled('zsh'))('zsh', () => {
  test('takes the script', () => {
    const { status, stderr } = spawnSync('zsh', ['-n', join(scripts, 'mvc.zsh')]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  });
});

describe.skipIf(!isInstalled('fish'))('fish', () => {
  test('completes commands, with what they do', () => {
    const script = `source ${scripts}/mvc.fish; set PATH ${directory} $PATH; complete -C 'mvc sta'`;
    const said = execFileSync('fish', ['--no-config', '-c', script], { env }).toString();
    expect(said).toMatch(/^start\tpower a cluster.*\nstatus\thealth of the services/);
  });
});
