import { Command } from 'commander';
import type { MvcClient } from '../client/mvc-client.ts';
import { stepNames, type ClusterSpec, type StepName } from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import type { ResumeInput, ResumeResult } from '../domain/progress.ts';
import { readClusterSpec } from './cluster-spec.ts';
import { confirm } from './confirm.ts';
import { withClient } from './context.ts';
import { followOperation } from './follow.ts';
import { printJson, printLine, printLines } from './output.ts';
import { changeLines, previewLines } from './plan-lines.ts';

interface ResumeOptions {
  site?: string;
  step?: string;
  skip?: boolean;
  file?: string;
  yes?: boolean;
  watch?: boolean;
  json?: boolean;
}

/** `mvc resume` */
export function resumeCommand(): Command {
  return new Command('resume')
    .description('try the parked steps of the running operation again')
    .argument('<cluster>')
    .option('--site <name>', 'only what is parked at this site')
    .option('--step <step>', `only this step: ${stepNames.join(', ')}`)
    .option('--skip', 'leave the step out, where that is safe')
    .option('-f, --file <file>', 'go on with a corrected spec; shows what it changes, and asks')
    .option('-y, --yes', 'do not ask')
    .option('--watch', 'then show the operation, as `mvc create` does')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mvc resume demo
  mvc resume demo --site beach --step image
  mvc resume demo --site beach --step vms --skip
  mvc resume demo -f corrected.yaml
`,
    )
    .action(resume);
}

async function resume(cluster: string, options: ResumeOptions): Promise<void> {
  const input = resumeInput(options);
  const spec =
    options.file === undefined
      ? undefined
      : await readClusterSpec(cluster, { file: options.file, site: [], roll: [] });
  await withClient(async (client) => {
    if (spec) await agreeOn(client, spec, options);
    const result = await client.resume(cluster, { ...input, ...(spec ? { spec } : {}) });
    if (options.json && !options.watch) return printJson(result);
    if (!options.json) printLines(resumedLines(cluster, result));
    if (options.watch) await followOperation(client, await client.latest(cluster), options);
    else if (!options.json) printLine(`next: mvc watch ${cluster}`);
  });
}

/** @throws {Failure} BadInput for a step that no operation has, or a spec beside --skip. */
export function resumeInput(options: ResumeOptions): ResumeInput {
  const { site, step, skip, file } = options;
  if (skip && file !== undefined) {
    throw new Failure('BadInput', 'either leave a step out (--skip) or correct the spec (-f)');
  }
  const known = stepNames.find((each) => each === step);
  if (step !== undefined && known === undefined) {
    throw new Failure('BadInput', `step ${step} is unknown; known: ${stepNames.join(', ')}`);
  }
  return {
    ...(site === undefined ? {} : { site }),
    ...(known === undefined ? {} : { step: known satisfies StepName }),
    action: skip ? 'skip' : 'retry',
  };
}

/** Shows what a corrected spec changes, and asks. Where a site is away the change cannot be shown. */
async function agreeOn(client: MvcClient, spec: ClusterSpec, options: ResumeOptions) {
  if (!options.json) printLines(await describeChange(client, spec));
  if (options.yes) return;
  await confirm(
    `Go on with cluster ${spec.name} as this spec says?`,
    'say --yes to go on without being asked',
  );
}

async function describeChange(client: MvcClient, spec: ClusterSpec): Promise<string[]> {
  try {
    return previewLines(await client.plan(spec));
  } catch (error) {
    if (!(error instanceof Failure) || !error.retryable) throw error;
    return [`what the spec changes cannot be shown now: ${error.message}`];
  }
}

function resumedLines(cluster: string, { resumed, change }: ResumeResult): string[] {
  const steps = resumed.map(
    ({ step, site }) => `step ${step}${site === undefined ? '' : ` at site ${site}`} goes on`,
  );
  if (!change) return steps;
  return [`cluster ${cluster} goes on as the corrected spec says:`, ...changeLines(change)];
}

/** `mvc cancel` */
export function cancelCommand(): Command {
  return new Command('cancel')
    .description('stop the operation that runs on a cluster; what exists is kept')
    .argument('<cluster>')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nA build that was cancelled goes on with `mvc create` of the same spec.\n\nExample:\n  mvc cancel demo\n',
    )
    .action(async (cluster: string, options: { json?: boolean }) => {
      const ended = await withClient((client) => client.cancel(cluster));
      if (options.json) return printJson({ cluster, ...(ended ? { cancelled: ended.kind } : {}) });
      if (!ended) return printLine(`nothing runs on cluster ${cluster}`);
      printLine(`the ${ended.kind} of cluster ${cluster} has ended; what exists is kept`);
      printLine(`next: mvc status ${cluster}`);
    });
}
