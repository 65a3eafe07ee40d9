import { Command } from 'commander';
import { withClient } from './context.ts';
import { printJson, printLines } from './output.ts';
import { withSlowNote } from './slow-note.ts';
import { topologyLines } from './topology-lines.ts';

/** `mvc topology <cluster>` */
export function topologyCommand(): Command {
  return new Command('topology')
    .description('how far the sites and nodes of a cluster are apart: latency and bandwidth')
    .argument('<cluster>')
    .option('--measure', 'measure anew (it is measured by itself the first time)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nPrograms of the cluster find the same in /etc/mvc/topology.json at its frontend.\n' +
        '\nExample:\n  mvc topology demo\n',
    )
    .action(async (cluster: string, options: { measure?: boolean; json?: boolean }) => {
      const request = { name: cluster, measure: options.measure ?? false };
      const topology = await withSlowNote(
        'measuring between the sites; this takes up to two minutes',
        () => withClient((client) => client.topology(request)),
      );
      if (options.json) printJson(topology);
      else printLines(topologyLines(topology));
    });
}
