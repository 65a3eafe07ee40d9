import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { withClient } from './context.ts';
import { printJson, printLine, printTable } from './output.ts';

/** `mvc inventory` */
export function inventoryCommand(): Command {
  return new Command('inventory')
    .description("ask every site what carries this installation's mark")
    .addHelpText('after', '\nExample:\n  mvc inventory --cluster demo --json\n')
    .option('--site <name>', 'only this site')
    .option('--cluster <name>', 'only what belongs to this cluster')
    .option('--json', 'as a JSON list')
    .action(async (options: { site?: string; cluster?: string; json?: boolean }) => {
      const filter = {
        ...(options.site === undefined ? {} : { site: options.site }),
        ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
      };
      const { things, silent } = await withClient((client) => client.inventory(filter));
      if (options.json) printJson(things);
      else if (things.length === 0) printLine('nothing at the sites carries our mark');
      else {
        printTable(
          ['SITE', 'HOST', 'KIND', 'NAME', 'CLUSTER'],
          things.map((each) => [each.site, each.host, each.kind, each.name, each.cluster]),
        );
      }
      if (silent.length > 0) {
        const list = silent.map(({ site, error }) => `${site} (${error})`).join('; ');
        throw new Failure(
          'Unreachable',
          `the inventory is not complete, these sites did not answer: ${list}`,
        );
      }
    });
}
