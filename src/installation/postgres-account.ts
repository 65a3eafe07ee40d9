import { execFile } from 'node:child_process';
import { chown, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Failure } from '../domain/failure.ts';
import { missingAsUndefined } from './files.ts';

const run = promisify(execFile);

/**
 * How PostgreSQL's programs are run. They refuse to be root, so for root they run as an existing
 * unprivileged account, which sees program and data in a mount namespace of its own: the
 * directories above them (/root, say) stay closed to it.
 */
export interface PostgresPlace {
  /** The directories as PostgreSQL sees them. */
  programs: string;
  state: string;
  /** Gives a path to the account that PostgreSQL runs as. */
  own(path: string): Promise<void>;
  /** The argument list and environment that run a program there. */
  enter(argv: [string, ...string[]]): { argv: [string, ...string[]]; env: NodeJS.ProcessEnv };
}

/** @param programs directory with `bin`, `lib` and `share`; @param state the data's parent. */
export async function findPostgresPlace(programs: string, state: string): Promise<PostgresPlace> {
  if (process.getuid?.() !== 0) {
    return {
      programs,
      state,
      own: () => Promise.resolve(),
      enter: (argv) => ({ argv, env: {} }),
    };
  }
  const account = await findAccount(state);
  const room = findRoom(programs, state);
  await requireNamespaces();
  return {
    programs: `${room}/programs`,
    state: `${room}/state`,
    own: (path) => chown(path, account.uid, account.gid),
    enter: (argv) => ({
      argv: [
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        enterRoom,
        'sh',
        ...argv,
      ],
      env: {
        MVC_ROOM: room,
        MVC_PROGRAMS: programs,
        MVC_STATE: state,
        MVC_UID: String(account.uid),
        MVC_GID: String(account.gid),
      },
    }),
  };
}

/** Constant: all values come by the environment and as positional arguments. */
const enterRoom = `set -eu
mount -t tmpfs -o mode=0755,size=1m mvc "$MVC_ROOM"
mkdir "$MVC_ROOM/programs" "$MVC_ROOM/state"
mount --bind "$MVC_PROGRAMS" "$MVC_ROOM/programs"
mount --bind "$MVC_STATE" "$MVC_ROOM/state"
cd /
exec setpriv --reuid "$MVC_UID" --regid "$MVC_GID" --clear-groups --inh-caps=-all \\
  --bounding-set=-all --no-new-privs "$@"`;

/** Whoever owns the data already, else the first of the usual accounts that exists. */
async function findAccount(state: string): Promise<{ uid: number; gid: number }> {
  const owner = await stat(state).catch(missingAsUndefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Failure(
    'MissingTool',
    'PostgreSQL refuses to run as root and there is no account for it',
    {
      help: 'make an account `postgres`, or run mvc as an ordinary user',
    },
  );
}

/** A directory of the system to hang ours into; what is there is hidden from PostgreSQL alone. */
function findRoom(...sources: string[]): string {
  const rooms = ['/mnt', '/srv', '/media', '/opt'];
  const isFree = (room: string) => !sources.some((path) => `${path}/`.startsWith(`${room}/`));
  const room = rooms.find(isFree);
  if (room === undefined) throw new Error(`no room for PostgreSQL besides ${sources.join(', ')}`);
  return room;
}

async function requireNamespaces(): Promise<void> {
  try {
    await run('unshare', ['--mount', '--propagation', 'private', 'true']);
  } catch (error) {
    throw new Failure(
      'Forbidden',
      'this machine lets root make no mount namespace, which PostgreSQL needs',
      {
        help: 'run mvc as an ordinary user, or set PGHOST and the other PG variables to a PostgreSQL of your own',
        cause: error,
      },
    );
  }
}
