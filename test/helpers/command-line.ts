import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
/** Built once for all runs from this checkout: it takes a minute or two, and is named by its content. */
const images = join(root, '.tools', 'images');

export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever that is. @param stdin all that it gets to read. */
export function runProgram(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  stdin?: string,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { env, maxBuffer: 64 * 1024 ** 2 },
      (error, stdout, stderr) => {
        // Of a program that could not be started it is a word, of one that was killed nothing.
        const exitCode = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
        const ended = error?.signal ? `${stderr}(ended by ${error.signal})` : stderr;
        resolve({ exitCode, stdout, stderr: ended });
      },
    );
    if (stdin !== undefined) child.stdin?.end(stdin);
  });
}

/** The command line as a user has it, with an installation of its own. */
export class CommandLine {
  readonly home: string;

  private constructor(home: string) {
    this.home = home;
  }

  static async create(): Promise<CommandLine> {
    return new CommandLine(await mkdtemp(join(tmpdir(), 'mvc-home-')));
  }

  run(...argv: string[]): Promise<Ended> {
    return runProgram(process.execPath, [join(root, 'src/cli/main.ts'), ...argv], {
      ...process.env,
      MVC_HOME: this.home,
      MVC_IMAGES: images,
      PATH: `${join(root, '.tools')}:${process.env['PATH']}`,
    });
  }

  /** Runs a command that must succeed. */
  async ok(...argv: string[]): Promise<string> {
    const ended = await this.run(...argv);
    if (ended.exitCode === 0) return ended.stdout;
    throw new Error(
      `mvc ${argv.join(' ')} ended with ${ended.exitCode}:\n${ended.stdout}\n${ended.stderr}`,
    );
  }

  async json<T>(...argv: string[]): Promise<T> {
    return JSON.parse(await this.ok(...argv, '--json')) as T;
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}
