import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import type { Programs } from './commands.ts';
import { nearest } from './did-you-mean.ts';
import { markdownText } from './markdown-text.ts';
import { printJson, printLine, printLines, tableLines } from './output.ts';
import { readPage, topics } from './topics.ts';

interface HelpOptions {
  man?: boolean;
  json?: boolean;
}

/** `mvc help [topic | command]` */
export function helpCommand({ wholeProgram }: Programs): Command {
  return new Command('help')
    .description('show a topic, or the help of a command')
    .argument('[topic...]', 'a topic, or a command with its subcommand')
    .option('--man', 'print the whole as a manual page, for `man -l -`')
    .option('--json', 'list the topics as JSON')
    .addHelpText('after', `\n${topicList()}\n\nExamples:\n  mvc help errors\n  mvc help site add\n`)
    .action(async (words: string[], options: HelpOptions, self: Command) => {
      if (options.man) {
        const { manualPage } = await import('./manual.ts');
        process.stdout.write(manualPage(await wholeProgram()));
      } else if (options.json) {
        printJson(topics.map(({ name, summary, page }) => ({ name, summary, page })));
      } else await show(words, self.parent);
    });
}

async function show(words: string[], mvc: Command | null): Promise<void> {
  const topic = topics.find(({ name }) => name === words[0]);
  if (topic && words.length === 1) {
    printLine(markdownText(await readPage(topic.page)));
    const namesake = mvc?.commands.some((each) => each.name() === topic.name);
    if (namesake) printLine(`\nIts options and examples: mvc ${topic.name} --help`);
    return;
  }
  if (!mvc) return;
  commandNamed(mvc, words).outputHelp();
  if (words.length === 0) printLines(['', topicList()]);
}

/** @throws {Failure} NotFound with the nearest topic or command that there is. */
function commandNamed(mvc: Command, words: string[]): Command {
  return words.reduce((command, word) => {
    const found = command.commands.find((each) => each.name() === word);
    if (found) return found;
    const names = command.commands.map((each) => each.name());
    const known = command === mvc ? [...names, ...topics.map(({ name }) => name)] : names;
    const near = nearest(word, known);
    throw new Failure('NotFound', `there is no help on ${words.join(' ')}`, {
      help:
        near.length > 0 ? `Did you mean ${near.join(' or ')}?` : '`mvc help` lists all there is',
    });
  }, mvc);
}

function topicList(): string {
  const [, ...rows] = tableLines(
    ['', ''],
    topics.map(({ name, summary }) => [`  ${name}`, summary]),
  );
  return ['Topics (mvc help TOPIC):', ...rows].join('\n');
}
