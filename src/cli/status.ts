import { Command } from 'commander';
import { printJson, printLines } from './output.ts';
import { servicesStatus } from './services.ts';
import { pathSummary } from './path-lines.ts';
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
      const { clusterStatus, pathsSoon } = await import('./cluster-status.ts');
      const status = await clusterStatus(name);
      // Before the paths, which are asked of the sites.
      if (!options.json) printLines(statusLines(status, Date.now()));
      const paths = await pathsSoon(status);
      if (options.json) printJson({ ...status, ...(paths ? { paths } : {}) });
      else if (paths) printLines(['', ...pathSummary(paths)]);
    });
}
