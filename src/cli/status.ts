import { Command } from 'commander';
import { n2nInsecureReason, type StepRecord } from '../domain/cluster.ts';
import { isInsecure } from '../domain/overlay.ts';
import { Failure } from '../domain/failure.ts';
import { withStore } from './context.ts';
import { formatDuration, printJson, printLine, printTable } from './output.ts';
import { servicesStatus } from './services.ts';

interface Json {
  json?: boolean;
}

/** `mvc list` */
export function listCommand(): Command {
  return new Command('list')
    .description('list the clusters')
    .addHelpText('after', '\nExample:\n  mvc list --json\n')
    .option('--json', 'as JSON')
    .action(async (options: Json) => {
      const clusters = await withStore(async (db) =>
        (await import('../store/clusters.ts')).listClusters(db),
      );
      if (options.json) return printJson(clusters);
      if (clusters.length === 0)
        return printLine('no clusters; `mvc create --help` tells how to build one');
      printTable(
        ['CLUSTER', 'PHASE', 'ORIGIN', 'SITES', 'COMPUTES', 'NETWORK'],
        clusters.map(({ name, phase, spec, network }) => [
          name,
          phase,
          spec.origin,
          spec.sites.map((site) => site.name).join(', '),
          String(spec.sites.reduce((sum, site) => sum + site.computes, 0)),
          network,
        ]),
      );
    });
}

/** `mvc status [cluster]` */
export function statusCommand(): Command {
  return new Command('status')
    .description('health of the services, or the state of one cluster')
    .addHelpText('after', '\nExamples:\n  mvc status\n  mvc status demo --json\n')
    .argument('[name]')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: Json) => {
      if (name === undefined) {
        process.exitCode = await servicesStatus(options);
        return;
      }
      const status = await clusterStatus(name);
      if (options.json) printJson(status);
      else printStatus(status);
    });
}

async function clusterStatus(name: string) {
  return withStore(async (db) => {
    const { findCluster } = await import('../store/clusters.ts');
    const { listVms } = await import('../store/vms.ts');
    const { findOverlay } = await import('../store/overlays.ts');
    const cluster = await findCluster(db, name);
    if (!cluster) throw noSuchCluster(name);
    const vms = await listVms(db, name);
    const overlay = await findOverlay(db, name);
    return {
      name,
      phase: cluster.phase,
      conditions: cluster.conditions,
      network: cluster.network,
      overlay: overlay && {
        kind: overlay.kind,
        version: overlay.version,
        relayOnly: overlay.relayOnly,
        mtu: overlay.mtu,
        secure: !isInsecure(overlay),
        ...(isInsecure(overlay) ? { insecureReason: n2nInsecureReason } : {}),
      },
      vms: vms.map(({ name: vm, site, container, mac, address, role, state }) => ({
        name: vm,
        site,
        container,
        mac,
        address,
        role,
        state,
      })),
      rtt: cluster.verify?.rtt ?? [],
    };
  });
}

function printStatus(status: Awaited<ReturnType<typeof clusterStatus>>): void {
  printLine(`cluster ${status.name}: ${status.phase}`);
  for (const { message } of status.conditions) printLine(`  ${message}`);
  if (status.overlay) {
    const { kind, version, relayOnly, insecureReason } = status.overlay;
    printLine(
      `overlay ${kind} ${version} on ${status.network}${relayOnly ? ', everything by the supernode' : ''}`,
    );
    if (insecureReason) printLine(`  insecure: ${insecureReason}`);
  }
  printLine();
  printTable(
    ['VM', 'ROLE', 'SITE', 'CONTAINER', 'MAC', 'ADDRESS', 'STATE'],
    status.vms.map((vm) => [vm.name, vm.role, vm.site, vm.container, vm.mac, vm.address, vm.state]),
  );
  if (status.rtt.length > 0) printLine();
  printTable(
    ['FROM', 'TO', 'ROUND TRIP'],
    status.rtt.map(({ from, to, ms }) => [from, to, `${ms.toFixed(1)} ms`]),
  );
}

/** `mvc history <cluster>` */
export function historyCommand(): Command {
  return new Command('history')
    .description('list the operations on a cluster, also after it was destroyed')
    .addHelpText('after', '\nExample:\n  mvc history demo\n')
    .argument('<name>')
    .option('--json', 'as JSON, with every step')
    .action(async (name: string, options: Json) => {
      const builds = await withStore(async (db) =>
        (await import('../store/builds.ts')).listBuilds(db, name),
      );
      if (options.json) return printJson(builds);
      if (builds.length === 0) throw noSuchCluster(name);
      for (const build of builds) {
        const took = build.finishedAt
          ? formatDuration(build.finishedAt - build.startedAt)
          : 'running';
        printLine(
          `${new Date(build.startedAt).toISOString()}  ${build.kind}  ${build.outcome ?? 'running'}  ${took}${build.error ? `  ${build.error}` : ''}`,
        );
        printSteps(build.steps);
      }
    });
}

function printSteps(steps: StepRecord[]): void {
  printTable(
    ['  STEP', 'SITE', 'TOOK', 'ERROR'],
    steps.map((each) => [
      `  ${each.step}`,
      each.site ?? 'all sites',
      each.finishedAt === undefined ? 'running' : formatDuration(each.finishedAt - each.startedAt),
      each.error ?? '',
    ]),
  );
}

function noSuchCluster(name: string): Failure {
  return new Failure('NotFound', `there is no cluster ${name}`, {
    help: '`mvc list` shows the clusters',
  });
}
