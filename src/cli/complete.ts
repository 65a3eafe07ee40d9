import { Command, type Option } from 'commander';
import type { Programs } from './commands.ts';

import { offersFor, type Offers } from './complete-values.ts';
import { storedNames, type NameSource } from './known-names.ts';

/** `mvc __complete -- words…`: one offer per line, a tab, what it means; or `:files` alone. */
export function completeCommand(programs: Programs): Command {
  return new Command('__complete')
    .argument('[words...]', 'the command line so far without its first word, after --')
    .action(async (words: string[]) => {
      const offers = await complete(words, programs);
      // What is slow to answer was given up by now, and is not waited for.
      process.stdout.write(completionLines(offers), () => process.exit());
    });
}

export function completionLines(offers: Offers): string {
  if (offers === 'files') return ':files\n';
  return offers.map(({ word, means }) => `${word}\t${means}\n`).join('');
}

/** What may stand where the last of the words is, which is empty or begun. */
export async function complete(
  words: readonly string[],
  programs: Programs,
  source: NameSource = storedNames,
): Promise<Offers> {
  // bash makes three words of `beach=3`; what comes after the sign is a number.
  if (words.slice(-2).includes('=')) return [];
  const before = words.slice(0, -1);
  const begun = words.at(-1) ?? '';
  if (before.includes('--')) return [];
  const place = placeAfter(before, await programs.programFor(before));
  const offers = await offersAt(place, begun, source);
  if (offers === 'files') return offers;
  return offers.filter(({ word }) => word.startsWith(begun));
}

/** Where in the tree of commands a command line has come to. */
interface Place {
  command: Command;
  /** The arguments that were given to it. */
  given: string[];
  /** The option whose value comes next. */
  option: Option | undefined;
}

function placeAfter(words: readonly string[], mvc: Command): Place {
  return words.reduce<Place>(
    ({ command, given, option }, word) => {
      if (option) return { command, given, option: undefined };
      if (word.startsWith('-')) {
        const named = command.options.find(({ short, long }) => word === short || word === long);
        return { command, given, option: named && !named.isBoolean() ? named : undefined };
      }
      const found = given.length === 0 && command.commands.find((each) => each.name() === word);
      if (found) return { command: found, given: [], option };
      return { command, given: [...given, word], option };
    },
    { command: mvc, given: [], option: undefined },
  );
}

async function offersAt(
  { command, given, option }: Place,
  begun: string,
  source: NameSource,
): Promise<Offers> {
  const wanted = { command, given, source };
  if (option) return await offersFor(option.attributeName(), option, wanted);
  if (begun.startsWith('-')) {
    const options = command.createHelp().visibleOptions(command);
    return options.map((each) => ({
      word: each.long ?? each.short ?? '',
      means: each.description,
    }));
  }
  if (command.commands.length > 0) return given.length > 0 ? [] : subcommands(command);
  const known = command.registeredArguments;
  const last = known.at(-1);
  const argument = known[given.length] ?? (last?.variadic ? last : undefined);
  return argument ? await offersFor(argument.name(), argument, wanted) : [];
}

function subcommands(command: Command): Offers {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ word: each.name(), means: each.summary() || each.description() }));
}
