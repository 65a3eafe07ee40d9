import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const programs = join(import.meta.dirname, '../../src/rolls/files/slurm/usr/lib/mvc');

/** A machine whose scheduler answers what the test has it answer, and notes what it is told. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mvc-scheduler-'));
  mkdirSync(join(root, 'bin'));
  command('squeue', `cat ${root}/jobs`);
  command(
    'scontrol',
    `case "$*" in
      '-o show nodes') cat ${root}/nodes ;;
      'show hostnames '*) echo "$3" | tr , '\\n' ;;
      *) echo "$@" >> ${root}/told ;;
    esac`,
  );
  writeFileSync(join(root, 'jobs'), '');
});
afterEach(() => rmSync(root, { recursive: true }));

function command(name: string, script: string): void {
  writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

function nodes(states: Record<string, string>): void {
  const lines = Object.entries(states).map(
    ([name, state]) =>
      `NodeName=${name} Arch=x86_64 CPUTot=1 State=${state} BootTime=2026-11-25T10:00:30`,
  );
  writeFileSync(join(root, 'nodes'), lines.map((line) => `${line}\n`).join(''));
}

function run(program: string, names: string[] = []) {
  const PATH = `${join(root, 'bin')}:${process.env['PATH']}`;
  const env = { ...process.env, PATH, MVC_ROOT: root };
  const input = names.map((name) => `${name}\n`).join('');
  const result = spawnSync(join(programs, program), { input, env, encoding: 'utf8' });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}
const told = () => (existsSync(join(root, 'told')) ? readFileSync(join(root, 'told'), 'utf8') : '');

describe('drain-nodes', () => {
  test('drains the nodes that are not drained yet, and tells that no job runs there', () => {
    nodes({
      'compute-a-0': 'IDLE',
      'compute-a-1': 'MIXED+DRAIN Reason=fan',
      'compute-a-2': 'IDLE',
    });
    const { stdout } = run('drain-nodes', ['compute-a-0', 'compute-a-1']);
    expect(JSON.parse(stdout)).toEqual({ jobs: 0, nodes: [] });
    expect(told()).toBe('update NodeName=compute-a-0 State=DRAIN Reason=mvc\n');
  });

  test('counts the jobs that still run on them, and names the nodes', () => {
    nodes({ 'compute-a-0': 'ALLOCATED+DRAIN Reason=mvc', 'compute-a-1': 'IDLE+DRAIN Reason=mvc' });
    writeFileSync(join(root, 'jobs'), '7 compute-a-0,compute-b-9\n7 compute-a-0\n8 compute-a-0\n');
    const { stdout } = run('drain-nodes', ['compute-a-0', 'compute-a-1']);
    expect(JSON.parse(stdout)).toEqual({ jobs: 2, nodes: ['compute-a-0'] });
    expect(told()).toBe('');
  });

  test('has nothing to drain of a node that the scheduler does not know', () => {
    nodes({ 'compute-a-0': 'IDLE' });
    const { status, stdout } = run('drain-nodes', ['compute-a-9']);
    expect([status, JSON.parse(stdout)]).toEqual([0, { jobs: 0, nodes: [] }]);
    expect(told()).toBe('');
  });

  test('fails where the scheduler does not answer: that is not no job', () => {
    command('scontrol', 'exit 1');
    expect(run('drain-nodes', ['compute-a-0'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'the scheduler does not answer\n',
    });
    nodes({ 'compute-a-0': 'IDLE' });
  });

  test('refuses a name that is none', () => {
    nodes({ 'compute-a-0': 'IDLE' });
    expect(run('drain-nodes', ['compute-a-0,ALL'])).toMatchObject({
      status: 1,
      stderr: 'a name of a node is malformed\n',
    });
  });
});

describe('resume-nodes', () => {
  test('resumes what was drained by us, whatever else it is, and nothing of others', () => {
    nodes({
      'compute-a-0': 'IDLE+DRAIN Reason=mvc [root@2026-11-25T10:00:00]',
      'compute-a-1': 'DOWN*+DRAIN Reason=mvc',
      'compute-a-2': 'IDLE+DRAIN Reason=mvcx [root@2026-11-25T10:00:00]',
      'compute-a-3': 'IDLE Reason=mvc',
      'compute-a-4': 'IDLE+DRAIN Reason=mvc',
    });
    run('resume-nodes', ['compute-a-0', 'compute-a-1', 'compute-a-2', 'compute-a-3']);
    expect(told()).toBe('update NodeName=compute-a-0,compute-a-1 State=UNDRAIN\n');
  });
});

describe('node-states', () => {
  const armed = Date.parse('2026-11-25T10:00:00Z') / 1000;

  /** Nodes that fetched their configuration five seconds after they were armed. */
  function records(...names: string[]): void {
    const directory = join(root, 'var/lib/mvc');
    for (const path of ['macs', 'boot/armed-at', 'boot/fetched-at']) {
      mkdirSync(join(directory, path), { recursive: true });
    }
    for (const name of names) {
      writeFileSync(join(directory, 'macs', name), `${name}\n`);
      writeFileSync(join(directory, 'boot/armed-at', name), `${armed}\n`);
      writeFileSync(join(directory, 'boot/fetched-at', name), `${armed + 5}\n`);
    }
  }

  function phases(): string[][] {
    const states = JSON.parse(run('node-states').stdout) as { state: string; phase: string }[];
    return states.map(({ state, phase }) => [state, phase]);
  }

  test('calls a drained node so, and not idle', () => {
    records('compute-a-0', 'compute-a-1');
    nodes({ 'compute-a-0': 'IDLE+DRAIN', 'compute-a-1': 'IDLE' });
    expect(phases()).toEqual([
      ['drained', 'drained'],
      ['idle', 'idle'],
    ]);
  });

  test.each([
    ['a boot before', '09:58:00', '09:58:40', 'config'],
    ['this boot, by both clocks', '10:00:02', '10:00:40', 'idle'],
    ['this boot, by a node whose uptime runs ahead', '09:59:23', '10:01:38', 'idle'],
    ['this boot, by a node whose clock is behind', '10:00:30', '09:59:50', 'idle'],
  ])('what the scheduler says of %s', (_, booted, started, phase) => {
    records('compute-a-0');
    const at = (time: string) => `2026-11-25T${time}`;
    writeFileSync(
      join(root, 'nodes'),
      `NodeName=compute-a-0 State=IDLE BootTime=${at(booted)} SlurmdStartTime=${at(started)}\n`,
    );
    expect(phases()).toEqual([['idle', phase]]);
  });
});
