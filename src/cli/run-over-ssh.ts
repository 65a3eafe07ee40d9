import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Failure, parseInput } from '../domain/failure.ts';
import { portSchema, sshAddressSchema } from '../domain/names.ts';
import { printable } from './output.ts';

/** An account of the person's own at a host; unlike ours it may be root. */
const loginSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'must be the name of an account at the host');

const destinationSchema = z.strictObject({
  user: loginSchema.optional(),
  /** Also a name that only the person's ~/.ssh/config knows. */
  address: sshAddressSchema,
  /** Without it that of the person's ~/.ssh/config, or 22. */
  port: portSchema.optional(),
});
export type Destination = z.output<typeof destinationSchema>;

/** Where a script runs, and how the person's ssh gets there. */
export interface ScriptRun {
  /** The host's name at its site, for people. */
  host: string;
  script: string;
  to: Destination;
  /** The physical frontend, for a host behind it. */
  through?: Destination;
  /** Under which name ssh remembers its host key: sites may have equal inner addresses. */
  knownAs?: string;
}

/**
 * Reads `[user@]host[:port]`.
 *
 * @throws {Failure} BadInput. Nothing that passes can be read as an option or by a shell.
 */
export function parseDestination(text: string): Destination {
  const [, user, address, port] = /^(?:([^@]*)@)?([^:@]*)(?::(\d+))?$/.exec(text) ?? [];
  return checkDestination({ user, address, port: port === undefined ? undefined : Number(port) });
}

/** @throws {Failure} BadInput. */
export function checkDestination(input: {
  user?: string | undefined;
  address?: string | undefined;
  port?: number | undefined;
}): Destination {
  return parseInput(destinationSchema, input, 'the host to reach by ssh ([user@]host[:port])');
}

/** As root without sudo, which a host may not have yet. Whatever the login shell is, it reads this alike. */
const readScript = `sh -c 'if [ "$(id -u)" -eq 0 ]; then exec sh -s; fi; exec sudo -n sh -s'`;

/**
 * Runs a script as root at a host over the person's own ssh: with their keys, agent and settings, which
 * are no business of ours. Ssh may ask the person on the terminal; the script comes by its stdin.
 *
 * @param say hears each line that is said there, as it comes.
 * @throws {Failure} that says what happened, where, and what to do.
 */
export async function runOverSsh(run: ScriptRun, say: (line: string) => void): Promise<void> {
  const child = spawn('ssh', sshArguments(run), { stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => say(printable(line)));
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(printable(line));
    say(printable(line));
  });
  // A script that ends early has said why by then.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.script);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(notStarted(error)));
    child.on('close', resolve);
  });
  if (code !== 0) throw explain(run, code, errors);
}

export function sshArguments({
  to,
  through,
  knownAs,
}: Omit<ScriptRun, 'host' | 'script'>): string[] {
  return [
    '-T',
    '-o',
    'BatchMode=no',
    ...(through ? ['-J', describe(through)] : []),
    ...(knownAs === undefined ? [] : ['-o', `HostKeyAlias=${knownAs}`]),
    ...(to.user === undefined ? [] : ['-l', to.user]),
    ...(to.port === undefined ? [] : ['-p', String(to.port)]),
    '--',
    to.address,
    readScript,
  ];
}

/** `[user@]host[:port]` */
export function describe({ user, address, port }: Destination): string {
  return `${user === undefined ? '' : `${user}@`}${address}${port === undefined ? '' : `:${port}`}`;
}

function notStarted(error: NodeJS.ErrnoException): Failure {
  return error.code === 'ENOENT'
    ? new Failure('MissingTool', 'the program ssh is not installed on this machine', {
        help: 'apt-get install openssh-client; or run the scripts at their hosts by your own means',
      })
    : new Failure('CommandFailed', `ssh could not be started: ${error.message}`, { cause: error });
}

/** Ssh itself ends with 255; what it says tells why. */
function explain({ host, to, through }: ScriptRun, code: number | null, errors: string[]): Failure {
  const said = errors.slice(-3).join('; ').slice(-500);
  const way = through ? ` through ${describe(through)}` : '';
  const failure = (kind: ConstructorParameters<typeof Failure>[0], what: string, help: string) =>
    new Failure(kind, `${host} (${describe(to)}${way}): ${what}${said && `: ${said}`}`, {
      host,
      help,
    });
  const tryYourself = `try \`ssh ${through ? `-J ${describe(through)} ` : ''}${sshWords(to)}\` by yourself`;
  if (code === 255) {
    if (/host key verification failed|identification has changed/i.test(said)) {
      return failure(
        'HostKeyChanged',
        'your ssh does not trust its host key',
        `${tryYourself}, and compare the key with what the host’s administrator reads there`,
      );
    }
    if (/permission denied|too many authentication failures/i.test(said)) {
      return failure(
        'AccessDenied',
        'it does not let you in',
        `${tryYourself}, and name the account`,
      );
    }
    return failure('Unreachable', 'your ssh cannot reach it', tryYourself);
  }
  if (errors.some((line) => line.startsWith('sudo: '))) {
    return failure(
      'AccessDenied',
      'your account may not become root there without a password',
      'name an account that may (root, or one with NOPASSWD), or run the script there by yourself, as root',
    );
  }
  const how = code === null ? 'ssh was ended by a signal' : `the script ended with ${code}`;
  return failure(
    'CommandFailed',
    how,
    'mend that there, then do this again: what is done stays done',
  );
}

function sshWords({ user, address, port }: Destination): string {
  return `${port === undefined ? '' : `-p ${port} `}${user === undefined ? '' : `${user}@`}${address}`;
}
