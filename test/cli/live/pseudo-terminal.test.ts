import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../helpers/command-line.ts';
import { Terminal } from './terminal.ts';

const program = join(import.meta.dirname, 'show-build.ts');

/** Runs the program in a real terminal of util-linux' `script`; returns all that it wrote there. */
async function inTerminal(columns: number, env: Record<string, string>): Promise<string> {
  const command = `stty cols ${columns} rows 12; exec ${process.execPath} ${program}`;
  const { stdout } = await runProgram('script', ['-qec', command, '/dev/null'], {
    PATH: process.env['PATH'],
    TERM: 'xterm',
    SHELL: '/bin/sh',
    ...env,
  });
  return stdout;
}

describe.each([40, 80, 200])('in a pseudo terminal of %i columns', (columns) => {
  it('a build leaves its last frame and nothing else', async () => {
    const written = await inTerminal(columns, {});
    const terminal = new Terminal();
    terminal.write(written);
    expect(terminal.screen).toEqual([
      expect.stringMatching(/^build demo · .*(ready|…)$/),
      '✓ register     alpine               1 s',
      '✓ image        beach                9 s',
      'the end',
    ]);
    expect(written, 'an upload was shown while it went on').toContain('attempt 2');
  });
});

describe('colours in a pseudo terminal', () => {
  it('are left out on request', async () => {
    expect(await inTerminal(80, {})).toMatch(/\u001b\[\d+m/);
    expect(await inTerminal(80, { NO_COLOR: '1' })).not.toMatch(/\u001b\[\d+m/);
  });
});
