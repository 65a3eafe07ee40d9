import { Command } from 'commander';
import type { ClusterPlan } from '../domain/plan.ts';
import { readClusterSpec, withSpecOptions, type SpecOptions } from './cluster-spec.ts';
import { confirm } from './confirm.ts';
import { withClient } from './context.ts';
import { followOperation } from './follow.ts';
import { printJson, printLine, printTable } from './output.ts';

interface Json {
  json?: boolean;
}

/** `mvc plan` */
export function planCommand(): Command {
  return withSpecOptions(
    new Command('plan').argument('[name]', 'name of the cluster (default: the one in the spec)'),
  )
    .description('show what a build would make, without making it')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  mvc plan demo --site alpine=1 --site beach=2 --insecure\n')
    .action(async (name: string | undefined, options: SpecOptions & Json) => {
      const spec = await readClusterSpec(name, options);
      const plan = await withClient((client) => client.plan(spec));
      if (options.json) printJson(plan);
      else printPlan(plan);
    });
}

/** `mvc create` */
export function createCommand(): Command {
  return withSpecOptions(
    new Command('create').argument('[name]', 'name of the cluster (default: the one in the spec)'),
  )
    .description(
      'build a cluster, or go on with one that failed or was cancelled; Ctrl-C only stops watching',
    )
    .option('--no-watch', 'return as soon as the build is started')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mvc create -f demo.yaml
  mvc create demo --site alpine=1 --site beach=1 --site cloud=1 --insecure
`,
    )
    .action(async (name: string | undefined, options: SpecOptions & Json & { watch: boolean }) => {
      const spec = await readClusterSpec(name, options);
      await withClient(async (client) => {
        const build = await client.build(spec);
        if (options.watch) return followOperation(client, build, options);
        if (options.json) return printJson(build);
        printLine(`the build of ${spec.name} is started; \`mvc watch ${spec.name}\` shows it`);
      });
    });
}

/** `mvc watch` */
export function watchCommand(): Command {
  return new Command('watch')
    .description('show the operation that runs on a cluster until it ends')
    .addHelpText('after', '\nExample:\n  mvc watch demo\n')
    .argument('<name>')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: Json) =>
      withClient(async (client) => followOperation(client, await client.latest(name), options)),
    );
}

/** `mvc destroy` */
export function destroyCommand(): Command {
  return new Command('destroy')
    .description('remove a cluster from every site, from any state; stops what runs on it first')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  mvc destroy demo --yes\n')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: Json & { yes?: boolean }) => {
      if (!options.yes)
        await confirm(
          `Remove cluster ${name} with all its VMs and disks?`,
          'say --yes to destroy without being asked',
        );
      await withClient(async (client) => {
        await followOperation(client, await client.destroy(name), options);
      });
    });
}

export function printPlan(plan: ClusterPlan): void {
  printTable(
    ['VM', 'ROLE', 'SITE', 'CONTAINER', 'MAC', 'ADDRESS', 'CPUS', 'MEMORY'],
    plan.vms.map((vm) => [
      vm.name,
      vm.role,
      vm.site,
      vm.container,
      vm.mac,
      vm.address,
      String(vm.cpus),
      `${vm.memoryMiB} MiB`,
    ]),
  );
  const { overlay } = plan;
  printLine();
  printLine(
    `overlay ${overlay.kind} ${overlay.version} on ${plan.network}, MTU ${overlay.mtu}, ${overlay.relayOnly ? 'everything by the supernode' : 'direct where possible'}`,
  );
  if (overlay.supernode)
    printLine(
      `supernode at site ${overlay.supernode.site}, ${overlay.supernode.address}:${overlay.supernode.port}/udp`,
    );
  for (const warning of plan.warnings) printLine(`warning: ${warning}`);
}
