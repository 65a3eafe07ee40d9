import { Command } from 'commander';
import type { MvcClient } from '../client/mvc-client.ts';
import type { StartedOperation } from '../client/cluster-runs.ts';
import { scaledSpec } from '../domain/spec-change.ts';
import { withClient, withStore } from './context.ts';
import { eventsOption } from './events-option.ts';
import { followOperation } from './follow.ts';
import { noSuchCluster } from './no-such-cluster.ts';
import { printJson, printLine, printLines } from './output.ts';
import { previewLines } from './plan-lines.ts';
import { parseSiteCounts } from './site-counts.ts';

interface ChangeOptions {
  json?: boolean;
  events?: boolean;
  watch: boolean;
}

/** `mvc scale` */
export function scaleCommand(): Command {
  return changeCommand('scale', 'mvc scale demo beach=3 cloud=0')
    .description('add or remove computes of a running cluster; a node that goes is drained first')
    .argument('<cluster>')
    .argument('<site=N...>', 'the number of computes that each named site is to have')
    .option('--dry-run', 'show what would change, without doing it')
    .action(async (cluster: string, sites: string[], options: ChangeOptions & Dry) => {
      const counts = parseSiteCounts(sites);
      if (options.dryRun) return previewScale(cluster, counts, options);
      await change('scale', cluster, options, (client) => client.scale(cluster, counts));
    });
}

interface Dry {
  dryRun?: boolean;
}

async function previewScale(
  cluster: string,
  counts: Record<string, number>,
  options: ChangeOptions,
): Promise<void> {
  const recorded = await withStore(async (db) =>
    (await import('../store/clusters.ts')).findCluster(db, cluster),
  );
  if (!recorded) throw noSuchCluster(cluster);
  const wanted = scaledSpec(recorded.spec, counts);
  const preview = await withClient((client) => client.plan(wanted));
  if (options.json) printJson(preview);
  else printLines(previewLines(preview));
}

/** `mvc repair` */
export function repairCommand(): Command {
  return changeCommand('repair', 'mvc repair demo\n  mvc repair demo --new-key')
    .description('compare a cluster with what is at the sites, and mend just what is amiss')
    .argument('<cluster>')
    .option('--new-key', 'also give the overlay another key; in overlay routed no packet is lost')
    .action(async (cluster: string, options: ChangeOptions & { newKey?: boolean }) => {
      const newKey = options.newKey ?? false;
      await change('repair', cluster, options, (client) => client.repair(cluster, { newKey }));
    });
}

/** `mvc stop` */
export function stopCommand(): Command {
  return changeCommand('stop', 'mvc stop demo\n  mvc stop demo compute-beach-0')
    .description('power a cluster, or one VM of it, down: computes first; disks are kept')
    .argument('<cluster>')
    .argument('[vm]', 'only this VM, as `mvc status` names it')
    .action(async (cluster: string, vm: string | undefined, options: ChangeOptions) => {
      await change('stop', cluster, options, (client) => client.stop(cluster, vm));
    });
}

/** `mvc start` */
export function startCommand(): Command {
  return changeCommand('start', 'mvc start demo\n  mvc start demo compute-beach-0')
    .description('power a stopped cluster, or one VM of it, up: frontend first')
    .argument('<cluster>')
    .argument('[vm]', 'only this VM, as `mvc status` names it')
    .action(async (cluster: string, vm: string | undefined, options: ChangeOptions) => {
      await change('start', cluster, options, (client) => client.start(cluster, vm));
    });
}

function changeCommand(name: string, example: string): Command {
  return new Command(name)
    .option('--no-watch', 'return as soon as it is started')
    .option('--json', 'print the result as JSON')
    .addOption(eventsOption())
    .addHelpText('after', `\nExample:\n  ${example}\n`);
}

async function change(
  kind: string,
  cluster: string,
  options: ChangeOptions,
  begin: (client: MvcClient) => Promise<StartedOperation>,
): Promise<void> {
  await withClient(async (client) => {
    const operation = await begin(client);
    if (options.watch) return void (await followOperation(client, operation, options));
    if (options.json) return printJson(operation);
    printLine(`the ${kind} of ${cluster} is started; \`mvc watch ${cluster}\` shows it`);
  });
}
