import { Command, Help, type Option } from 'commander';
import { readFileSync } from 'node:fs';
import { usageErrorText } from './usage-error.ts';
import { commandGroups, type CommandEntry, type Programs } from './commands.ts';

const examples = `
A first cluster:
  mvc up                                             start the services
  mvc site add -f alpine.yaml                        register a site (once per site)
  mvc plan demo --site alpine=1 --site beach=2
  mvc create demo --site alpine=1 --site beach=2
  mvc ssh demo -- srun -N3 hostname
  mvc destroy demo

Without any site of your own: mvc demo
More: mvc help TOPIC; mvc help lists the topics
`;

/**
 * The program as one call of it needs it: the command is loaded that the first word names, and for
 * `mvc help WORD` the one that is asked about. The others are there by name, for the list of
 * commands and for "did you mean".
 */
export async function programFor(
  words: readonly string[],
  options: { silent?: boolean } = {},
): Promise<Command> {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return await program(
    (name) => name === first || (first === 'help' && name === second),
    options.silent,
  );
}

/** The program with every command loaded, as its tests and its manual need it. */
export async function wholeProgram(): Promise<Command> {
  return await program(() => true);
}

const programs: Programs = { programFor, wholeProgram };

/** @param silent what is wrong with a command line is left to the caller to say. */
async function program(isWanted: (name: string) => boolean, silent = false): Promise<Command> {
  const mvc = new Command('mvc')
    .description('Builds one HPC cluster over VMs at several sites.')
    .version(version(), '--version', 'print the version')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name(), optionDescription })
    .showHelpAfterError('(mvc --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(usageErrorText(text)),
      ...(silent ? { writeErr: () => undefined } : {}),
    })
    .addHelpText('after', examples);
  for (const [heading, entries] of Object.entries(commandGroups)) {
    for (const entry of entries) {
      const command = isWanted(entry.name) ? await entry.load(programs) : new Command(entry.name);
      mvc.addCommand(placed(command, entry, heading), { hidden: entry.hidden ?? false });
    }
  }
  inheritSettings(mvc);
  return mvc;
}

/** An option that may be repeated begins as an empty list, which is nothing to tell. */
function optionDescription(option: Option): string {
  const { description, defaultValue } = option;
  if (Array.isArray(defaultValue) && defaultValue.length === 0) return description;
  return Help.prototype.optionDescription(option);
}

function placed(command: Command, { summary }: CommandEntry, heading: string): Command {
  if (command.description() === '') command.description(summary);
  return command.summary(summary).helpGroup(heading);
}

/** Commands that were built apart must also throw instead of ending the process. */
function inheritSettings(command: Command): void {
  for (const each of command.commands) {
    // `mvc help site add` is the one way to ask; `mvc site help add` would be one more to list.
    each.copyInheritedSettings(command).helpCommand(false);
    inheritSettings(each);
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
