import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { mvcHome } from '../installation/home.ts';
import { webInterfaceSettings } from '../installation/settings.ts';
import { withClient } from './context.ts';
import { printJson, printLine, printTable } from './output.ts';
import { UiLinks } from './ui-links.ts';

interface UiOptions {
  parked?: boolean;
  open?: boolean;
  json?: boolean;
}

/** Addresses in the web interface, as `mvc ui --json` prints them. */
export interface UiAddresses {
  running: string;
  parked: string;
  operations: string;
  saveParked: string;
  operation?: string;
}

/** `mvc ui [cluster]` */
export function uiCommand(): Command {
  return new Command('ui')
    .description(
      "Prints addresses in the workflow engine's web interface: the lists, or the operation that runs, " +
        'or ran last, on one cluster.',
    )
    .argument('[cluster]')
    .option('--parked', 'only the list of what is parked')
    .option('--open', 'open it in the browser of this desktop')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe columns of the list are set once per browser: docs/temporal-ui.md.\n' +
        '\nExamples:\n  mvc ui\n  mvc ui demo --open\n  mvc ui --parked\n',
    )
    .action(ui);
}

async function ui(cluster: string | undefined, options: UiOptions): Promise<void> {
  if (cluster !== undefined && options.parked) {
    throw new Failure('BadInput', 'name a cluster, or ask for what is --parked; not both');
  }
  const addresses = await uiAddresses(cluster);
  const one = addresses.operation ?? (options.parked ? addresses.parked : undefined);
  if (options.json) printJson(addresses);
  else if (one === undefined) printAll(addresses);
  else printLine(one);
  if (!options.open) return;
  const { openInBrowser } = await import('./open-in-browser.ts');
  await openInBrowser(one ?? addresses.running);
}

/**
 * @throws {Failure} NotFound if where the web interface is, or an operation on the cluster, is not
 *   known; Unreachable if the engine does not run.
 */
async function uiAddresses(cluster: string | undefined): Promise<UiAddresses> {
  const found = await webInterfaceSettings(mvcHome());
  if (!found) {
    throw new Failure('NotFound', "where this engine's web interface is, is not known", {
      help: 'set MVC_UI_URL to its address',
    });
  }
  const links = new UiLinks(found);
  const { running, parked, operations, saveParked } = links;
  const lists = { running, parked, operations, saveParked };
  if (cluster === undefined) return lists;
  // The latest is the one that runs, if one does.
  const latest = await withClient((client) => client.latest(cluster));
  return { ...lists, operation: links.operation(latest) };
}

function printAll({ running, parked, operations, saveParked }: UiAddresses): void {
  printTable(
    ['LIST', 'ADDRESS'],
    [
      ['running', running],
      ['parked', parked],
      ['all operations', operations],
      ['parked, as a view', saveParked],
    ],
  );
  printLine('Open the last one once in each browser: it keeps it among its saved views.');
}
