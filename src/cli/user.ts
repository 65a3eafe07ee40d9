import { Command } from 'commander';
import { Failure, parseInput } from '../domain/failure.ts';
import {
  publicKeySchema,
  userNameSchema,
  type ClusterUser,
  type UsersRequest,
} from '../domain/users.ts';
import { confirm } from './confirm.ts';
import { withClient } from './context.ts';
import { printJson, printLine, printTable } from './output.ts';
import { withSlowNote } from './slow-note.ts';

/** `mvc user add|list|remove` */
export function userCommand(): Command {
  return new Command('user')
    .description('the people who use a cluster: one account on all nodes, with a home')
    .addCommand(addUserCommand())
    .addCommand(listUsersCommand())
    .addCommand(removeUserCommand())
    .addHelpText('after', '\nExample:\n  mvc user add demo alice --key ~/.ssh/id_ed25519.pub\n');
}

function addUserCommand(): Command {
  return new Command('add')
    .description('add a user, or further keys to one who is there')
    .argument('<cluster>')
    .argument('<name>')
    .requiredOption(
      '-k, --key <file or text>',
      'public ssh key: a file of them, - for standard input, or the key itself (repeat)',
      (value, list: string[] | undefined) => [...(list ?? []), value],
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe account is there on every node at once, and on nodes that boot later.\n' +
        '\nExample:\n  mvc user add demo alice --key ~/.ssh/id_ed25519.pub\n',
    )
    .action(async (cluster: string, name: string, options: { key: string[]; json?: boolean }) => {
      const user = parseInput(userNameSchema, name, `the user ${name}`);
      const keys = (await Promise.all(options.key.map(readKeys))).flat();
      const change = { kind: 'add', user, keys } as const;
      const users = await ask({ name: cluster, change });
      const added = users.find((each) => each.name === user);
      if (options.json) return printJson(added);
      printLine(`${user} (uid ${added?.uid}) is a user of ${cluster}; to log in:`);
      printLine(`  mvc ssh ${cluster} --user ${user}`);
    });
}

function listUsersCommand(): Command {
  return new Command('list')
    .description('the users of a cluster')
    .argument('<cluster>')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  mvc user list demo\n')
    .action(async (cluster: string, options: { json?: boolean }) => {
      const users = await ask({ name: cluster });
      if (options.json) printJson(users);
      else printUsers(cluster, users);
    });
}

function removeUserCommand(): Command {
  return new Command('remove')
    .description("remove a user, and end the user's jobs; the files are kept unless told so")
    .argument('<cluster>')
    .argument('<name>')
    .option('--with-home', "delete the user's files too")
    .option('-y, --yes', 'do not ask whether the files are to be deleted')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  mvc user remove demo alice\n')
    .action(
      async (
        cluster: string,
        name: string,
        options: { withHome?: boolean; yes?: boolean; json?: boolean },
      ) => {
        const user = parseInput(userNameSchema, name, `the user ${name}`);
        if (options.withHome && !options.yes) {
          await confirm(`Delete all files of ${user} at ${cluster}?`, 'say --yes');
        }
        const change = { kind: 'remove', user, withHome: options.withHome ?? false } as const;
        const users = await ask({ name: cluster, change });
        if (options.json) printJson(users);
        else printLine(`${user} is no user of ${cluster} any more`);
      },
    );
}

function ask(request: UsersRequest): Promise<ClusterUser[]> {
  return withSlowNote(`asking the frontend of ${request.name}`, () =>
    withClient((client) => client.users(request)),
  );
}

function printUsers(cluster: string, users: ClusterUser[]): void {
  if (users.length === 0) printLine(`${cluster} has no users but hpc; \`mvc user add\` adds one`);
  const rows = users.map((user) => [user.name, String(user.uid), user.home, String(user.keys)]);
  printTable(['NAME', 'UID', 'HOME', 'KEYS'], rows);
}

/** @throws {Failure} BadInput if it is no public key; a private key is never shown or sent. */
async function readKeys(source: string): Promise<string[]> {
  const isText = publicKeySchema.safeParse(source.trim()).success;
  const text = isText ? source : await readText(source);
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const where = isText ? 'the key' : source === '-' ? 'standard input' : source;
  if (keys.length === 0) throw new Failure('BadInput', `there is no public key in ${where}`);
  if (keys.some((key) => !publicKeySchema.safeParse(key).success)) {
    throw new Failure('BadInput', `${where} is not one OpenSSH public key a line`, {
      help: 'the public half is meant, as in ~/.ssh/id_ed25519.pub',
    });
  }
  return keys;
}

async function readText(source: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(source === '-' ? '/dev/stdin' : source, 'utf8');
  } catch (error) {
    throw new Failure('BadInput', `the key file ${source} cannot be read`, { cause: error });
  }
}
