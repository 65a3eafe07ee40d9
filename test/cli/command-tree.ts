import type { Command } from 'commander';

/** Every command that can be called, with those below commands; not what other programs use. */
export function callableCommands(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((each) => (each.commands.length > 0 ? callableCommands(each) : [each]));
}

/** The whole text of `--help`, with what was added after the options. */
export function helpText(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

/**
 * The calls of `mvc` in the examples of a help text, each as its words: a shell's separators end a
 * call, assignments and redirections are no part of it.
 */
export function exampleCalls(text: string): string[][] {
  const examples = text.replace(/^(?:[^]*?\n)?(?:Examples?|A first cluster):\n/, '');
  if (examples === text) return [];
  return examples
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .flatMap((line) => line.split(/[;|&()]+|\bdo\s|\bsudo\s|(?<=\S) {2,}(?! )/))
    .map((part) => part.replace(/\s[<>].*/, '').trim())
    .map((part) => part.replace(/^(?:\$ )?(?:\w+=\S+ )*/, ''))
    .filter((part) => part.startsWith('mvc '))
    .map((part) => part.split(/\s+/).slice(1));
}
