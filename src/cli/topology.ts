import { Command } from 'commander';
import { withClient } from './context.ts';
import { printJson, printLines } from './output.ts';
import { pathTable } from './path-lines.ts';
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
      const [topology, paths] = await withSlowNote(
        'measuring between the sites; this takes up to two minutes',
        () =>
          withClient((client) => Promise.all([client.topology(request), client.paths(cluster)])),
      );
      if (options.json) {
        printJson({ ...topology, ...paths });
        return;
      }
      printLines(topologyLines(topology));
      const lines = pathTable(paths, Date.now());
      if (lines.length > 1) printLines(['', ...lines]);
    });
}
