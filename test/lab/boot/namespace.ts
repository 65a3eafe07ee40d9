import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** Network and process namespaces of a test. What runs in them ends with them, and with this process. */
export class Namespace {
  private readonly holder: ChildProcess;
  private readonly pid: number;

  private constructor(holder: ChildProcess, pid: number) {
    this.holder = holder;
    this.pid = pid;
  }

  static async open(): Promise<Namespace> {
    const isolate = ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
    const argv = ['--pdeathsig', 'KILL', '--', 'unshare', ...isolate, '--', 'sleep', 'infinity'];
    const holder = spawn('setpriv', argv, { stdio: 'ignore' });
    await once(holder, 'spawn');
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const path = `/proc/${holder.pid}/task/${holder.pid}/children`;
      const child = Number((await readFile(path, 'utf8').catch(() => '')).trim());
      if (child > 0) return new Namespace(holder, child);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('unshare has started nothing');
  }

  /** Starts a program in the namespaces. */
  start(argv: string[]): ChildProcess {
    const enter = ['-t', String(this.pid), '--net', '--mount', '--pid', '--'];
    return spawn('nsenter', [...enter, ...argv], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  async run(...argv: string[]): Promise<void> {
    const [code] = (await once(this.start(argv), 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`);
  }

  async close(): Promise<void> {
    const ended = once(this.holder, 'exit');
    this.holder.kill('SIGKILL');
    await ended;
  }
}
