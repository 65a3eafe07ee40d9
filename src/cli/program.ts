import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { commandGroups, type CommandEntry, type Programs } from './commands.ts';

const examples = `
A first cluster:
  mvc up                                             start the services
  mvc site add -f alpine.yaml                        register a site (once per site)
  mvc plan demo --site alpine=1 --site beach=2 --insecure
  mvc create demo --site alpine=1 --site beach=2 --insecure
  mvc ssh demo -- srun -N3 hostname
  mvc destroy demo

Without any site of your own: mvc demo
`;

/**
 * The program as one call of it needs it: the command is loaded that the first word names, and for
 * `mvc help WORD` the one that is asked about. The others are there by name, for the list of
 * commands and for "did you mean".
 */
export async function programFor(words: readonly string[]): Promise<Command> {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return await program((name) => name === first || (first === 'help' && name === second));
}

/** The program with every command loaded, as its tests and its manual need it. */
export async function wholeProgram(): Promise<Command> {
  return await program(() => true);
}

const programs: Programs = { programFor, wholeProgram };

async function program(isWanted: (name: string) => boolean): Promise<Command> {
  const mvc = new Command('mvc')
    .description('Builds one HPC cluster over VMs at several sites.')
    .version(version(), '--version', 'print the version')
    .helpCommand(false)
    .showHelpAfterError('(mvc --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride()
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

function placed(command: Command, { summary }: CommandEntry, heading: string): Command {
  if (command.description() === '') command.description(summary);
  return command.summary(summary).helpGroup(heading);
}

/** Commands that were built apart must also throw instead of ending the process. */
function inheritSettings(command: Command): void {
  for (const each of command.commands) {
    each.copyInheritedSettings(command);
    inheritSettings(each);
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
