import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Order } from './orders.ts';

const hangsAfterMs = 120_000;
const ordersPerChild = 500;

/** Children that play orders, each one at a time. */
export class Pool {
  private readonly children: ChildProcess[] = [];

  /** Plays all orders; `heard` returns false to stop. */
  async play(
    orders: Iterable<Order>,
    heard: (answer: Answer) => boolean,
    options: { jobs: number; mutation?: string },
  ): Promise<void> {
    const queue = orders[Symbol.iterator]();
    let stopped = false;
    const workers = Array.from({ length: options.jobs }, async () => {
      let child = await this.open(options.mutation);
      for (let played = 1; !stopped; played += 1) {
        const { value: order, done } = queue.next();
        if (done) break;
        // One that hung was ended; and the engine's library keeps something of every run.
        if (!child.connected || played % ordersPerChild === 0) {
          this.close(child);
          child = await this.open(options.mutation);
        }
        if (!heard(await this.ask(child, order))) stopped = true;
      }
      this.close(child);
    });
    await Promise.all(workers);
  }

  /** Ends all children. */
  end(): void {
    for (const child of this.children) this.close(child);
  }

  private async open(mutation: string | undefined): Promise<ChildProcess> {
    const child = fork(
      join(import.meta.dirname, 'child.ts'),
      mutation === undefined ? [] : [mutation],
      { execArgv: ['--max-semi-space-size=32'] },
    );
    this.children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`a child ended with ${code} at its start`)));
    });
    return child;
  }

  private ask(child: ChildProcess, order: Order): Promise<Answer> {
    return new Promise((resolve) => {
      const end = (answer: Answer) => {
        clearTimeout(timer);
        child.off('message', end);
        child.off('exit', died);
        resolve(answer);
      };
      const broken = (violation: string): Answer => ({
        order,
        violations: [violation],
        digest: '',
        counts: {},
        lines: [],
      });
      const died = () => end(broken('the process ended'));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
      }, hangsAfterMs);
      child.on('message', end);
      child.once('exit', died);
      child.send(order);
    });
  }

  private close(child: ChildProcess): void {
    if (child.connected) child.disconnect();
    child.kill();
  }
}
