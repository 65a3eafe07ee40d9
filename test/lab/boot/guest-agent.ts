import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GuestResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

interface Answer {
  return?: unknown;
  error?: { desc: string };
}

/** Runs a program in a VM through the guest agent behind this socket. */
export async function runInGuest(
  socketPath: string,
  argv: string[],
  options: { stdin?: string; timeoutMs?: number } = {},
): Promise<GuestResult> {
  const agent = await Agent.open(socketPath);
  try {
    const [path, ...arg] = argv;
    const input = options.stdin === undefined ? {} : { 'input-data': base64(options.stdin) };
    const run = { path, arg, 'capture-output': true, ...input };
    const { pid } = (await agent.ask('guest-exec', run)) as { pid: number };
    const deadline = Date.now() + (options.timeoutMs ?? 30_000);
    while (Date.now() < deadline) {
      const status = (await agent.ask('guest-exec-status', { pid })) as Record<string, never>;
      if (status['exited']) {
        const stdout = text(status['out-data']);
        return { exitCode: status['exitcode'] ?? 1, stdout, stderr: text(status['err-data']) };
      }
      await sleep(200);
    }
    throw new Error(`${argv.join(' ')} has not ended in the guest`);
  } finally {
    agent.close();
  }
}

class Agent {
  private readonly socket: Socket;
  private waiting: ((answer: Answer) => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => {
      try {
        this.waiting?.(JSON.parse(line.replaceAll('\xff', '')) as Answer);
      } catch {
        // The rest of an answer to somebody who did not wait for it; guest-sync finds the next.
      }
    });
    // The machine has ended; whoever waits for an answer is told when his time is over.
    lines.on('error', () => undefined);
  }

  static async open(path: string): Promise<Agent> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve()).once('error', reject);
    });
    socket.on('error', () => undefined);
    const agent = new Agent(socket);
    const id = Math.floor(Math.random() * 1e9);
    try {
      while ((await agent.ask('guest-sync', { id }, 1500)) !== id);
      return agent;
    } catch (error) {
      agent.close();
      throw error;
    }
  }

  async ask(execute: string, args: object, timeoutMs = 10_000): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the guest agent is silent')), timeoutMs);
      this.waiting = (found) => {
        clearTimeout(timer);
        resolve(found);
      };
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    if (answer.error) throw new Error(`${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  close(): void {
    this.socket.destroy();
  }
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}

function text(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString();
}
