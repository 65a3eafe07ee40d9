import { Command } from 'commander';
import { printJson, printLines } from './output.ts';
import { servicesStatus } from './services.ts';
import { statusLines } from './status-lines.ts';

/** `mvc status [cluster]` */
export function statusCommand(): Command {
  return new Command('status')
    .description('health of the services, or the state of one cluster and of what runs on it')
    .addHelpText('after', '\nExamples:\n  mvc status\n  mvc status demo --json\n')
    .argument('[name]')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      if (name === undefined) {
        process.exitCode = await servicesStatus(options);
        return;
      }
      const { clusterStatus } = await import('./cluster-status.ts');
      const status = await clusterStatus(name);
      if (options.json) printJson(status);
      else printLines(statusLines(status, Date.now()));
    });
}
