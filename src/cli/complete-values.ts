import type { Argument, Command, Option } from 'commander';
import { errorCodes } from './error-codes.ts';
import type { KnownNames, NameSource } from './known-names.ts';
import { topics } from './topics.ts';

/** A word that a shell may put at the cursor, and what it means; or names of files. */
export type Offers = { word: string; means: string }[] | 'files';

/** Where a value is wanted. */
interface Wanted {
  command: Command;
  /** The arguments before it. */
  given: string[];
  source: NameSource;
}

/**
 * The values of an argument or an option. What it wants is in its name: an argument `<cluster>`, an
 * option `--site <name>`, a `<file>`; those called `name` belong to the noun of their command.
 */
export async function offersFor(
  name: string,
  { argChoices }: Pick<Argument | Option, 'argChoices'>,
  { command, given, source }: Wanted,
): Promise<Offers> {
  if (argChoices) return argChoices.map((word) => ({ word, means: '' }));
  const subject = name === 'name' ? nounOf(command) : name.replace(/=.*/, '');
  switch (subject) {
    case 'cluster':
      return (await source.names()).clusters.map((word) => ({ word, means: 'cluster' }));
    case 'site':
    case 'origin':
      return siteOffers(await source.names(), wantsCount(name, command) ? '=' : '');
    case 'vm':
      return (await source.vms(given[0] ?? '')).map((word) => ({ word, means: 'VM' }));
    case 'file':
    case 'key':
    case 'pool':
      return 'files';
    case 'code':
      return errorCodes.map(({ code }) => ({ word: code, means: 'error' }));
    case 'topic':
      return given.length > 0 ? [] : helpOffers(command);
    default:
      return [];
  }
}

function siteOffers({ sites }: KnownNames, suffix: string): Offers {
  return sites.map((site) => ({ word: `${site}${suffix}`, means: 'site' }));
}

/** `beach=3`: the argument says so by its name, the option by its flags. */
function wantsCount(name: string, command: Command): boolean {
  if (name.includes('=')) return true;
  const option = command.options.find((each) => each.attributeName() === name);
  return option?.flags.includes('=') ?? false;
}

function nounOf(command: Command): string {
  return command.parent?.name() === 'site' ? 'site' : 'cluster';
}

function helpOffers(help: Command): Offers {
  const commands = help.parent?.createHelp().visibleCommands(help.parent) ?? [];
  return [
    ...topics.map(({ name, summary }) => ({ word: name, means: summary })),
    ...commands.map((each) => ({ word: each.name(), means: each.summary() })),
  ];
}
