import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one call of the person's ssh was asked. */
export interface SshCall {
  /** Without the command at its end. */
  args: string[];
  stdin: string;
}

/**
 * A program `ssh` that a person has on the PATH: it notes how it is called, and runs the remote command on
 * this machine, where `id` and `sudo` are programs of its own.
 */
export class FakeSsh {
  readonly directory = mkdtempSync(join(tmpdir(), 'mvc-ssh-'));
  /** For the PATH of whoever is to find it. */
  readonly path = `${this.directory}:${process.env['PATH']}`;

  constructor() {
    this.become(0);
    this.write('sudo', '[ "$1" = -n ] || exit 9\nshift\necho "by sudo"\nexec "$@"');
    this.behave('for command; do :; done\nsh -c "$command" < "$call/stdin"');
  }

  /** What ssh does after it noted its call; `$call` is where, the remote command is the last argument. */
  behave(script: string): void {
    this.write(
      'ssh',
      [
        `call=$(mktemp -d '${this.directory}/call.XXXXXX')`,
        `printf '%s\\n' "$@" > "$call/args"`,
        'cat > "$call/stdin"',
        `echo "$call" >> '${this.directory}/calls'`,
        script,
      ].join('\n'),
    );
  }

  /** The account that the person has at the host. */
  become(uid: number): void {
    this.write('id', `echo ${uid}`);
  }

  /** Root's password is asked for. */
  refuseSudo(): void {
    this.write('sudo', 'echo "sudo: a password is required" >&2\nexit 1');
  }

  calls(): SshCall[] {
    const list = join(this.directory, 'calls');
    if (!existsSync(list)) return [];
    return readFileSync(list, 'utf8')
      .trim()
      .split('\n')
      .map((call) => ({
        args: readFileSync(join(call, 'args'), 'utf8').split('\n').slice(0, -2),
        stdin: readFileSync(join(call, 'stdin'), 'utf8'),
      }));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private write(name: string, script: string): void {
    const file = join(this.directory, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
}
