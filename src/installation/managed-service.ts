import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { lastErrorLine, logSize, shortenLog } from './log-file.ts';
import { endProcess, identify, isAlive, type ProcessId } from './process-id.ts';
import type { Service } from './service.ts';
import type { ServiceRecord, ServiceState } from './services-state.ts';

const restartDelaysMs = [0, 500, 1_000, 2_000, 5_000, 10_000, 15_000];
/** A service that ran this long is taken for sound: its next failure counts as the first. */
const soundAfterMs = 60_000;
const healthIntervalMs = 5_000;

/**
 * Keeps one service running. Its process is watched by number and start time, not as our child, so
 * that one that outlived an earlier supervisor is taken over as it is.
 */
export class ManagedService {
  readonly service: Service;
  private readonly logFile: string;
  private state: ServiceState = 'waiting';
  private process: ProcessId | undefined;
  private startedAt: number | undefined;
  private restarts = 0;
  private failures = 0;
  private lastError: string | undefined;
  private logStart = 0;
  private notBefore = 0;
  private lastHealthy = 0;
  private lastHealthCheck = 0;

  constructor(service: Service, logFile: string) {
    this.service = service;
    this.logFile = logFile;
  }

  get running(): boolean {
    return this.state === 'running';
  }

  /** Takes over a process that an earlier supervisor had started. */
  adopt(record: ServiceRecord): void {
    this.process = record.process;
    this.startedAt = record.startedAt;
    this.restarts = record.restarts;
    this.lastHealthy = Date.now();
    this.state = 'starting';
  }

  /** Looks at the service and does the next thing that it needs. */
  async advance(needsRun: boolean): Promise<void> {
    if (this.process && !(await isAlive(this.process))) await this.noteEnd();
    if (this.process) await this.watchHealth();
    else if (!needsRun) this.state = 'waiting';
    else if (Date.now() >= this.notBefore) await this.start();
  }

  /** Writes an open log anew before it fills the disk. */
  async keepLogShort(): Promise<void> {
    await shortenLog(this.logFile);
  }

  async stop(): Promise<void> {
    if (this.process) {
      this.state = 'stopping';
      await endProcess(this.process, {
        signal: this.service.stopSignal,
        withinMs: this.service.stopWithinMs,
      });
    }
    this.process = undefined;
    this.state = 'stopped';
  }

  record(): ServiceRecord {
    return {
      name: this.service.name,
      state: this.state,
      restarts: this.restarts,
      failures: this.failures,
      logFile: this.logFile,
      ...(this.process === undefined ? {} : { process: this.process }),
      ...(this.service.port === undefined ? {} : { port: this.service.port }),
      ...(this.startedAt === undefined ? {} : { startedAt: this.startedAt }),
      ...(this.lastError === undefined ? {} : { lastError: this.lastError }),
    };
  }

  private async start(): Promise<void> {
    if (this.startedAt !== undefined) this.restarts++;
    this.startedAt = Date.now();
    this.lastHealthy = this.startedAt;
    try {
      this.process = await this.launch();
      this.state = 'starting';
    } catch (error) {
      this.noteFailure(describe(error));
    }
  }

  private async launch(): Promise<ProcessId> {
    const { argv, env } = await this.service.prepare();
    this.logStart = await logSize(this.logFile);
    const log = await open(this.logFile, 'a', 0o600);
    try {
      const [program, ...args] = argv;
      // The log is the process's own file, not a pipe to us: it must outlive us undisturbed.
      const child = spawn(program, args, { env, stdio: ['ignore', log.fd, log.fd] });
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      const id = child.pid === undefined ? undefined : await identify(child.pid);
      if (!id) throw new Error(await this.describeEnd());
      return id;
    } finally {
      await log.close();
    }
  }

  private async noteEnd(): Promise<void> {
    this.process = undefined;
    const ranMs = Date.now() - (this.startedAt ?? 0);
    if (this.state === 'running' && ranMs > soundAfterMs) this.failures = 0;
    this.noteFailure(await this.describeEnd());
  }

  private async describeEnd(): Promise<string> {
    const line = await lastErrorLine(this.logFile, this.logStart);
    return line === undefined ? `${this.service.title} ended without a word` : line;
  }

  private noteFailure(message: string): void {
    const delay = restartDelaysMs[Math.min(this.failures, restartDelaysMs.length - 1)] ?? 0;
    this.failures++;
    this.lastError = message;
    this.notBefore = Date.now() + delay;
    this.state = 'failed';
  }

  private async watchHealth(): Promise<void> {
    const now = Date.now();
    if (this.state === 'running' && now - this.lastHealthCheck < healthIntervalMs) return;
    this.lastHealthCheck = now;
    try {
      await this.service.checkHealth(this.startedAt ?? 0);
      if (this.state === 'starting') {
        await this.service.setUp?.();
        this.state = 'running';
      }
      this.lastHealthy = Date.now();
      if (now - (this.startedAt ?? now) > soundAfterMs) this.failures = 0;
    } catch (error) {
      this.lastError = describe(error);
      await this.endIfHung();
    }
  }

  private async endIfHung(): Promise<void> {
    if (!this.process || Date.now() - this.lastHealthy < this.service.hungAfterMs) return;
    await endProcess(this.process, { signal: this.service.stopSignal, withinMs: 2_000 });
    this.process = undefined;
    this.noteFailure(`did not answer for ${this.service.hungAfterMs / 1000} s: ${this.lastError}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
