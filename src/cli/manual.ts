import type { Argument, Command, Option } from 'commander';
import { errorCodes } from './error-codes.ts';
import { topics } from './topics.ts';

/** The manual page mvc(1) in roff, made from the commands themselves. */
export function manualPage(mvc: Command): string {
  const commands = visible(mvc).flatMap((each) => [each, ...visible(each)]);
  return [
    `.TH MVC 1 "" "mvc ${mvc.version()}" "User Commands"`,
    '.SH NAME',
    `mvc \\- ${roff(sentence(mvc.description()))}`,
    '.SH SYNOPSIS',
    '.B mvc',
    '\\fIcommand\\fR [\\fIoption\\fR ...] [\\fIargument\\fR ...]',
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    '.SH TOPICS',
    '.B mvc help',
    '\\fItopic\\fR shows one of these:',
    ...topics.flatMap(({ name, summary }) => tagged(name, summary)),
    '.SH ERRORS',
    '.B mvc explain',
    '\\fIcode\\fR explains an error. Codes, and the exit codes that go with them:',
    ...errorCodes.flatMap(({ code, exitCode }) => tagged(code, `exit code ${exitCode}`)),
    '',
  ].join('\n');
}

function visible(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

/** A command that has subcommands is only a heading for them. */
function commandSection(command: Command): string[] {
  const name = fullName(command);
  const options = command.createHelp().visibleOptions(command);
  return [
    `.SS ${roff(`${name} ${usageOf(command)}`.trim())}`,
    roff(sentence(command.description())),
    ...command.registeredArguments.filter((each) => each.description).flatMap(argumentLines),
    ...options.filter((each) => each.long !== '--help').flatMap(optionLines),
  ];
}

function usageOf(command: Command): string {
  return command.registeredArguments
    .map((each) => {
      const word = `${each.name()}${each.variadic ? ' ...' : ''}`;
      return each.required ? word : `[${word}]`;
    })
    .join(' ');
}

/** As it is typed: `mvc site add`. */
export function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function argumentLines(argument: Argument): string[] {
  return tagged(argument.name(), argument.description);
}

function optionLines(option: Option): string[] {
  return tagged(option.flags, option.description);
}

function tagged(term: string, text: string): string[] {
  return ['.TP', `\\fB${roff(term)}\\fR`, roff(text)];
}

function sentence(text: string): string {
  return text.replace(/\.$/, '');
}

/** Nothing of the text is read as roff: no escape, no request at the beginning of a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');
}
