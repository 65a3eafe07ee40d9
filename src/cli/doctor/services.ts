import type { Home } from '../../installation/home.ts';
import { inspectServices, type InstallationReport } from '../../installation/inspect.ts';
import {
  formatAddress,
  readMetricsAddress,
  type WorkerName,
} from '../../installation/metrics-address.ts';
import { isFree, ownerOfPort } from '../../installation/ports.ts';
import { programVersion } from '../../installation/program-version.ts';
import { fail, ok, warn, type Finding } from './check.ts';

const answerWithinMs = 3_000;

/** @param elsewhere the servers are others than those of `mvc up`, by settings in the environment. */
export function judgeServices(report: InstallationReport, elsewhere: boolean): Finding[] {
  if (report.services.length === 0) {
    if (elsewhere) return [ok('services', 'the environment names servers that are not ours')];
    return [fail('services', 'nothing of this installation runs', 'start it: mvc up')];
  }
  return report.services.map(({ name, healthy, state, restarts, problem, logFile }) => {
    if (!healthy) {
      const told = `${state}: ${problem ?? 'does not answer'}`;
      if (logFile === undefined) return fail(name, told);
      return fail(name, told, `run \`mvc up\`; its log is ${logFile}`);
    }
    if (restarts < 3) return ok(name, 'runs and answers');
    const help = logFile === undefined ? undefined : `its log may tell why: ${logFile}`;
    return warn(name, `runs, but was started again ${restarts} times`, help);
  });
}

export async function checkServices(home: Home, elsewhere: boolean): Promise<Finding[]> {
  return judgeServices(await inspectServices(home), elsewhere);
}

/** A port of a service that does not run must be free, or it cannot start. */
export function judgePorts(ports: { service: string; port: number; owner?: string }[]): Finding[] {
  const taken = ports.filter((each) => each.owner !== undefined);
  if (taken.length > 0) {
    return taken.map(({ service, port, owner }) => {
      const help = 'end that program, or `mvc down` and `mvc up`, which takes the next free port';
      return fail('ports', `port ${port} of ${service} is taken by ${owner}`, help);
    });
  }
  const list = ports.map(({ service, port }) => `${service} ${port}`).join(', ');
  return list === '' ? [] : [ok('ports', `on loopback: ${list}`)];
}

export async function checkPorts(home: Home): Promise<Finding[]> {
  const { services } = await inspectServices(home);
  const ports = services.map(async ({ name, port, healthy, pid }) => {
    if (port === undefined) return [];
    const foreign = !healthy && pid === undefined && !(await isFree(port));
    return [{ service: name, port, ...(foreign ? { owner: await ownerOfPort(port) } : {}) }];
  });
  return judgePorts((await Promise.all(ports)).flat());
}

/** What a worker says of itself at `/healthz`. */
export interface WorkerHealth {
  healthy: boolean;
  program: string;
}

/** @param checkout the version of the program that this command is part of. */
export function judgeWorker(
  worker: WorkerName,
  address: string,
  health: WorkerHealth | undefined,
  checkout: string,
): Finding {
  const subject = `${worker} http`;
  const url = `http://${address}/healthz`;
  if (!health)
    return warn(subject, `${url} does not answer`, 'is the worker running? `mvc status`');
  if (!health.healthy)
    return fail(subject, `${url} says that it does not work`, 'see its log: mvc logs');
  if (health.program === checkout)
    return ok(subject, `http://${address}/metrics; same program as here`);
  return warn(
    subject,
    `runs another program (${health.program}) than this checkout (${checkout})`,
    'start the services anew after an upgrade: mvc down; mvc up (builds go on)',
  );
}

export async function checkWorkers(home: Home): Promise<Finding[]> {
  const checkout = await programVersion();
  const findings = (['control-worker', 'site-worker'] as const).map(async (worker) => {
    const address = await readMetricsAddress(home, worker);
    if (!address) return [];
    const where = formatAddress(address);
    return [judgeWorker(worker, where, await askHealth(where), checkout)];
  });
  return (await Promise.all(findings)).flat();
}

async function askHealth(address: string): Promise<WorkerHealth | undefined> {
  try {
    const signal = AbortSignal.timeout(answerWithinMs);
    const response = await fetch(`http://${address}/healthz`, { signal });
    const { healthy, program } = (await response.json()) as Record<string, unknown>;
    return { healthy: healthy === true, program: typeof program === 'string' ? program : '?' };
  } catch {
    return undefined;
  }
}
