import { Client, Connection } from '@temporalio/client';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { StartedOperation } from '../../../src/client/cluster-runs.ts';
import { MvcClient } from '../../../src/client/mvc-client.ts';
import type {
  ParkedStep,
  StepName,
  StepRecord,
  VerifyReport,
} from '../../../src/domain/cluster.ts';
import { clusterWorkflowId } from '../../../src/domain/engine-names.ts';
import { Failure } from '../../../src/domain/failure.ts';
import type { OwnedThing } from '../../../src/domain/site.ts';
import { labExecArgv } from '../../../src/lab/lab.ts';
import { CommandLine, runProgram, type Ended } from '../../helpers/command-line.ts';
import { Figures } from './figures.ts';

const sites = ['alpine', 'beach', 'cloud'];
const containers = sites.map((site) => `${site}-h1`);
const patienceMs = 4 * 60_000;
const lookEveryMs = 250;

export interface Service {
  name: string;
  pid?: number;
}

/** An installation with test sites, real builds on them, and the means to see where a build is. */
export class World {
  readonly mvc: CommandLine;
  /** Of the lab. */
  readonly home: string;
  readonly client: MvcClient;
  readonly figures = new Figures();
  private readonly engine: Client;

  private constructor(mvc: CommandLine, client: MvcClient, engine: Client) {
    this.mvc = mvc;
    this.home = join(mvc.home, 'lab');
    this.client = client;
    this.engine = engine;
  }

  /** Three sites with one VM container each, 20 ms apart, all registered; the node image is built. */
  static async open(): Promise<World> {
    const mvc = await CommandLine.create();
    const { ports } = await mvc.json<{ ports: { temporal: number } }>('up');
    await mvc.ok('lab', 'up', '--rtt', '20', '--hosts', '1,1,1');
    await Promise.all([
      ...sites.map((site) =>
        mvc.ok('site', 'add', '-f', join(mvc.home, 'lab', 'sites', `${site}.json`)),
      ),
      mvc.ok('image', 'build'),
    ]);
    const connection = { address: `127.0.0.1:${ports.temporal}` };
    const engine = new Client({ connection: await Connection.connect(connection) });
    return new World(mvc, await MvcClient.connect({ connection }), engine);
  }

  async close(): Promise<void> {
    this.figures.print();
    await this.client.close();
    await this.engine.connection.close();
    await this.mvc.run('lab', 'down');
    await this.mvc.run('down');
    await this.mvc.remove();
  }

  /** Starts a build with the frontend at alpine. @param computes like `beach=1`. */
  async begin(name: string, ...computes: string[]): Promise<StartedOperation> {
    const wanted = computes.some((each) => each.startsWith('alpine='))
      ? computes
      : ['alpine=0', ...computes];
    const argv = wanted.flatMap((each) => ['--site', each]);
    const origin = ['--origin', 'alpine'];
    return this.mvc.json('create', name, ...origin, ...argv, '--no-watch');
  }

  /** Waits for the end of a build. @returns its proof. @throws {Failure} with which it ended. */
  async ready(build: StartedOperation): Promise<VerifyReport | undefined> {
    const result = await this.ended(build);
    expect(result).toMatchObject({ phase: 'ready' });
    return 'report' in result ? result.report : undefined;
  }

  /** Waits for the end of an operation, also while its engine is away. */
  async ended(operation: StartedOperation) {
    for (;;) {
      try {
        return await this.client.result(operation);
      } catch (error) {
        if (!(error instanceof Failure && error.kind === 'Unreachable')) throw error;
        await sleep(1_000);
      }
    }
  }

  /** Destroys a cluster and looks for what is left of it. */
  async destroyed(name: string): Promise<void> {
    await this.mvc.ok('destroy', name, '--yes');
    await this.expectEmpty(name);
  }

  /** Nothing of the cluster is at the sites: neither by our own inventory nor by libvirt's. */
  async expectEmpty(name: string): Promise<void> {
    const things = await this.mvc.json<OwnedThing[]>('inventory');
    expect(things.filter((each) => each.cluster === name)).toEqual([]);
    const others = new Set(things.map((each) => each.cluster));
    const found = (await Promise.all(containers.map((each) => this.domains(each)))).flat();
    // Every VM that is left is one of a cluster that is still meant to be.
    expect(found.filter((vm) => ![...others].some((each) => vm.startsWith(`${each}-`)))).toEqual(
      [],
    );
  }

  /** Steps of what runs on the cluster; none while nobody can be asked. */
  async steps(name: string): Promise<StepRecord[]> {
    try {
      return (await this.client.running(name))?.progress.steps ?? [];
    } catch {
      return [];
    }
  }

  async parked(name: string): Promise<ParkedStep[]> {
    return (await this.steps(name)).flatMap(({ step, site, parked }) =>
      parked ? [{ ...parked, step, ...(site === undefined ? {} : { site }) }] : [],
    );
  }

  async untilBegun(name: string, step: StepName, site?: string): Promise<void> {
    await until(`step ${step} of ${name}`, async () =>
      (await this.steps(name)).some((each) => each.step === step && each.site === site),
    );
  }

  /** Waits until a step is parked. @throws after the patience. */
  async untilParked(name: string, patience = patienceMs): Promise<ParkedStep> {
    let found: ParkedStep | undefined;
    await until(
      `a parked step of ${name}`,
      async () => (found = (await this.parked(name))[0]) !== undefined,
      patience,
    );
    return found as unknown as ParkedStep;
  }

  /** What a person reads of it. */
  async expectStatus(name: string, ...words: string[]): Promise<void> {
    const shown = await this.mvc.ok('status', name);
    for (const word of words) expect(shown).toContain(word);
  }

  async untilRunning(machine: string, domain: string): Promise<void> {
    await until(`${domain} runs at ${machine}`, async () =>
      (await this.domains(machine, '--state-running')).includes(domain),
    );
  }

  /**
   * Waits until work on the cluster goes on: a step begins or ends, or a worker has begun an activity.
   *
   * @param since milliseconds since 1970.
   * @returns seconds since then.
   */
  async goesOn(name: string, since: number): Promise<number> {
    await until(`work on ${name} goes on`, async () => {
      const steps = await this.steps(name);
      if (steps.some((each) => Math.max(each.startedAt, each.finishedAt ?? 0) > since)) return true;
      return (await this.activityStarts(name).catch(() => [])).some((each) => each > since);
    });
    return (Date.now() - since) / 1000;
  }

  private async activityStarts(name: string): Promise<number[]> {
    const id = clusterWorkflowId(name);
    const whole = await this.engine.workflow.getHandle(id).describe();
    const parts = (whole.raw.pendingChildren ?? []).flatMap((each) => each.workflowId ?? []);
    const others = await Promise.all(
      parts.map((part) => this.engine.workflow.getHandle(part).describe()),
    );
    return [whole, ...others]
      .flatMap((each) => each.raw.pendingActivities ?? [])
      .map((each) => Number(each.lastStartedTime?.seconds ?? 0) * 1000);
  }

  async services(): Promise<Service[]> {
    // With a service down the command ends with 1, and has printed all the same.
    const { stdout } = await this.mvc.run('status', '--json');
    return (JSON.parse(stdout) as { services: Service[] }).services;
  }

  /** SIGKILL to services of the installation by name. */
  async kill(...names: string[]): Promise<void> {
    const services = await this.services();
    for (const name of names) {
      const pid = services.find((each) => each.name === name)?.pid;
      if (pid === undefined) throw new Error(`${name} does not run`);
      process.kill(pid, 'SIGKILL');
    }
  }

  /** Runs a program inside a machine of the lab. */
  async inside(machine: string, ...argv: string[]): Promise<Ended> {
    const [program, ...args] = await labExecArgv({ home: this.home, machine, argv });
    return runProgram(program, args);
  }

  async domains(machine: string, ...options: string[]): Promise<string[]> {
    const list = ['virsh', '-q', 'list', '--name', ...(options.length > 0 ? options : ['--all'])];
    return (await this.inside(machine, ...list)).stdout.split('\n').filter(Boolean);
  }

  /** A job on every node, by the ordinary user; waits until it works. @returns seconds. */
  async job(name: string, nodes: number): Promise<number> {
    const begin = Date.now();
    await until(`a job on ${nodes} nodes of ${name}`, async () => {
      const argv = ['srun', '-t1', '--immediate=20', `-N${nodes}`, 'hostname'];
      const { exitCode, stdout } = await this.mvc.run('ssh', name, '--', ...argv);
      return exitCode === 0 && stdout.trim().split('\n').length === nodes;
    });
    return (Date.now() - begin) / 1000;
  }
}

/** @throws if it does not become true within the patience. */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  patience = patienceMs,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${patience / 1000} s`);
    await sleep(lookEveryMs);
  }
}
