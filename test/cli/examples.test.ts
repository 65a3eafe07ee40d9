import { describe, expect, test } from 'vitest';
import { fullName } from '../../src/cli/manual.ts';
import { wholeProgram } from '../../src/cli/program.ts';
import { callableCommands, exampleCalls, helpText } from './command-tree.ts';

/** Parses a command line with the real program, whose actions only say that they were called. */
async function calledBy(words: string[]): Promise<string[]> {
  const mvc = await wholeProgram();
  const called: string[] = [];
  for (const command of callableCommands(mvc)) {
    command.action(() => void called.push(fullName(command)));
  }
  await mvc.parseAsync(words, { from: 'user' });
  return called;
}

const mvc = await wholeProgram();

describe('every command has an example that the program takes', () => {
  test.each(callableCommands(mvc).map((command) => [fullName(command), command] as const))(
    '%s',
    async (name, command) => {
      const calls = exampleCalls(helpText(command));
      const called = (await Promise.all(calls.map(calledBy))).flat();
      expect(called).toContain(name);
      expect(called).toHaveLength(calls.length);
    },
  );
});

test('the program itself takes the lines of its first cluster', async () => {
  const calls = exampleCalls(helpText(mvc));
  expect(calls.length).toBeGreaterThan(4);
  for (const call of calls) expect(await calledBy(call)).toHaveLength(1);
});

test('an example with an option that there is not would be found', async () => {
  const [call = []] = exampleCalls('Example:\n  mvc list --jsn\n');
  await expect(calledBy(call)).rejects.toThrow("unknown option '--jsn'");
});

test('of an example with pipes and loops every call is found', () => {
  const text = `Usage\nExamples:
  $ MVC_HOME=/srv/mvc mvc up --port-ui 9000
  for site in a b; do mvc site add -f $site.json; done
  sudo mvc site prepare --run > h1.sh
  mvc up          start the services
  eval "$(mvc completion bash)"
`;
  expect(exampleCalls(text)).toEqual([
    ['up', '--port-ui', '9000'],
    ['site', 'add', '-f', '$site.json'],
    ['site', 'prepare', '--run'],
    ['up'],
    ['completion', 'bash'],
  ]);
});
