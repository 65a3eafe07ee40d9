import { installationId, type Home } from './home.ts';
import { formatAddress, readMetricsAddress } from './metrics-address.ts';
import { isAlive, residentBytes } from './process-id.ts';
import type { Service } from './service.ts';
import { installationServices } from './services.ts';
import { webInterface } from './settings.ts';
import {
  readServicesState,
  type ServiceRecord,
  type ServicesState,
  type ServiceState,
} from './services-state.ts';

export interface ServiceReport {
  name: string;
  state: ServiceState;
  /** Asked right now, not remembered. */
  healthy: boolean;
  pid?: number;
  port?: number;
  uptimeSeconds?: number;
  restarts: number;
  residentBytes?: number;
  /** Why it is not healthy, or why it ended last. */
  problem?: string;
  logFile?: string;
  /** Where a worker answers Prometheus. */
  metricsUrl?: string;
}

export interface InstallationReport {
  home: string;
  installation: string;
  /** All services run and answer. */
  healthy: boolean;
  uiUrl?: string;
  services: ServiceReport[];
}

/** Looks at every service of the installation, also when the supervisor is gone. */
export async function inspectServices(home: Home): Promise<InstallationReport> {
  const installation = await installationId(home);
  const state = await readServicesState(home);
  if (!state) return { home: home.root, installation, healthy: false, services: [] };
  // All that may run, by whatever settings it was started.
  const services = installationServices({ home, installation, ports: state.ports, env: {} });
  const reports = await Promise.all([
    reportSupervisor(state),
    ...state.services.map(async (record) => ({
      ...(await reportService(record, services)),
      ...(await metricsOf(home, record)),
    })),
  ]);
  const uiUrl = webInterface(state);
  return {
    home: home.root,
    installation,
    healthy: reports.every((report) => report.healthy),
    ...(uiUrl === undefined ? {} : { uiUrl }),
    services: reports,
  };
}

async function reportSupervisor(state: ServicesState): Promise<ServiceReport> {
  const alive = await isAlive(state.supervisor);
  const { pid } = state.supervisor;
  if (!alive) {
    const problem = 'is gone: nothing is started again that dies; run `mvc up`';
    return { name: 'supervisor', state: 'stopped', healthy: false, restarts: 0, problem };
  }
  return {
    name: 'supervisor',
    state: 'running',
    healthy: true,
    pid,
    restarts: 0,
    uptimeSeconds: secondsSince(state.startedAt),
    residentBytes: await residentBytes(pid),
  };
}

async function reportService(record: ServiceRecord, services: Service[]): Promise<ServiceReport> {
  const { name, restarts, logFile, port } = record;
  const common = { name, restarts, logFile, ...(port === undefined ? {} : { port }) };
  if (!record.process || !(await isAlive(record.process))) {
    const state =
      record.state === 'waiting' || record.state === 'failed' ? record.state : 'stopped';
    return { ...common, state, healthy: false, ...problemOf(record.lastError) };
  }
  const unhealthy = await askHealth(name, record.startedAt ?? 0, services);
  const keepsDying = record.failures > 1 ? record.lastError : undefined;
  return {
    ...common,
    state: record.state,
    healthy: unhealthy === undefined && record.state === 'running',
    pid: record.process.pid,
    uptimeSeconds: secondsSince(record.startedAt ?? Date.now()),
    residentBytes: await residentBytes(record.process.pid),
    ...problemOf(unhealthy ?? keepsDying),
  };
}

/** Of a worker that runs: where it listens is known only then. */
async function metricsOf(
  home: Home,
  { name, state }: ServiceRecord,
): Promise<{ metricsUrl?: string }> {
  if (state !== 'running' || (name !== 'control-worker' && name !== 'site-worker')) return {};
  const address = await readMetricsAddress(home, name);
  return address ? { metricsUrl: `http://${formatAddress(address)}/metrics` } : {};
}

function problemOf(problem: string | undefined): { problem?: string } {
  return problem === undefined ? {} : { problem };
}

async function askHealth(
  name: string,
  startedAt: number,
  services: Service[],
): Promise<string | undefined> {
  const service = services.find((one) => one.name === name);
  try {
    await service?.checkHealth(startedAt);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function secondsSince(time: number): number {
  return Math.max(0, Math.round((Date.now() - time) / 1000));
}
