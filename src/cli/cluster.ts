import { Command } from 'commander';
import { readClusterSpec, withSpecOptions, type SpecOptions } from './cluster-spec.ts';
import { confirm } from './confirm.ts';
import { withClient } from './context.ts';
import { eventsOption } from './events-option.ts';
import { followOperation } from './follow.ts';
import { printJson, printLine, printLines } from './output.ts';
import { previewLines } from './plan-lines.ts';
import { specYaml } from './spec-yaml.ts';

interface Json {
  json?: boolean;
}

interface Followed extends Json {
  events?: boolean;
  watch: boolean;
}

/** `mvc plan` */
export function planCommand(): Command {
  return withSpecOptions(
    new Command('plan').argument('[name]', 'name of the cluster (default: the one in the spec)'),
  )
    .description('show what a build would make, or a spec change of a cluster, without doing it')
    .option(
      '--full',
      'the spec with all defaults as YAML, which -f takes, and the plan as comments',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mvc plan demo --site alpine=1 --site beach=2
  mvc plan --full -f demo.yaml > demo-full.yaml
`,
    )
    .action(async (name: string | undefined, options: SpecOptions & Json & { full?: boolean }) => {
      const spec = await readClusterSpec(name, options);
      const preview = await withClient((client) => client.plan(spec));
      if (options.json) return printJson(options.full ? { ...preview, spec } : preview);
      const lines = previewLines(preview);
      if (!options.full) return printLines(lines);
      printLines([...(await specYaml(spec)), ...lines.map((line) => `# ${line}`.trimEnd())]);
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
    .addOption(eventsOption())
    .addHelpText(
      'after',
      `
Returns with exit code 8 when all that is left of the build is parked: \`mvc resume\` goes on with it.

Examples:
  mvc create -f demo.yaml
  mvc create demo --site alpine=1 --site beach=1 --site cloud=1
`,
    )
    .action(async (name: string | undefined, options: SpecOptions & Followed) => {
      const spec = await readClusterSpec(name, options);
      await withClient(async (client) => {
        const build = await client.build(spec);
        if (options.watch) return void (await followOperation(client, build, options));
        if (options.json) return printJson(build);
        printLine(`the build of ${spec.name} is started; \`mvc watch ${spec.name}\` shows it`);
      });
    });
}

/** `mvc watch` */
export function watchCommand(): Command {
  return new Command('watch')
    .description('show the operation that runs on a cluster until it ends: steps, sites and VMs')
    .addHelpText('after', '\nExamples:\n  mvc watch demo\n  mvc watch demo --json | jq .event\n')
    .argument('<name>')
    .option('--json', 'every change as a line of JSON')
    .action(async (name: string, { json }: Json) =>
      withClient(async (client) => {
        const options = { untilEnd: true, ...(json ? { events: true } : {}) };
        await followOperation(client, await client.latest(name), options);
      }),
    );
}

/** `mvc destroy` */
export function destroyCommand(): Command {
  return new Command('destroy')
    .description('remove a cluster from every site, from any state; stops what runs on it first')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .option('--no-watch', 'return as soon as the removal is started')
    .option('--json', 'print the result as JSON')
    .addOption(eventsOption())
    .addHelpText(
      'after',
      `
A site that is away is waited for: the command says what remains where and returns with exit code 8;
the removal goes on by itself when the site is back. \`mvc resume NAME --skip\` leaves it out.

Example:
  mvc destroy demo --yes
`,
    )
    .action(async (name: string, options: Followed & { yes?: boolean }) => {
      if (!options.yes)
        await confirm(
          `Remove cluster ${name} with all its VMs and disks?`,
          'say --yes to destroy without being asked',
        );
      await withClient(async (client) => {
        const removal = await client.destroy(name);
        if (options.watch) return void (await followOperation(client, removal, options));
        if (options.json) return printJson(removal);
        printLine(`the removal of ${name} is started; \`mvc watch ${name}\` shows it`);
      });
    });
}
