import { Command } from 'commander';
import { clusterNameSchema } from '../domain/names.ts';
import { Failure } from '../domain/failure.ts';
import { frontendHost, runSshProgram } from './cluster-login.ts';
import { withLoginOptions, type LoginOptions } from './ssh.ts';

/** `mvc cp <source...> <target>` */
export function cpCommand(): Command {
  return withLoginOptions(new Command('cp'))
    .description("copy files to or from a cluster's frontend, where /home is that of all nodes")
    .argument('<path...>', 'sources, then the target; a path at a cluster is <cluster>:<path>')
    .option('-r, --recursive', 'directories with all that is in them')
    .addHelpText(
      'after',
      '\nA path that does not begin with / is in the home.\n\nExamples:\n  mvc cp job.sh demo:\n  mvc cp -r demo:results .\n',
    )
    .action(async (paths: string[], options: LoginOptions & { recursive?: boolean }) => {
      const { cluster, args } = planCopy(paths);
      const flags = ['-p', ...(options.recursive ? ['-r'] : []), '--'];
      process.exitCode = await runSshProgram(cluster, options, 'scp', [...flags, ...args]);
    });
}

/**
 * The copy as scp has it. Either all sources are at one cluster and the target is here, or the
 * other way round.
 *
 * @throws {Failure} BadInput if it is neither.
 */
export function planCopy(paths: string[]): { cluster: string; args: string[] } {
  const places = paths.map(placeOf);
  const sources = places.slice(0, -1);
  const target = places.at(-1);
  if (target === undefined || sources.length === 0)
    throw notOneWay('a source or the target is missing');
  const clusters = new Set(places.flatMap(({ cluster }) => cluster ?? []));
  const [cluster] = clusters;
  if (cluster === undefined) throw notOneWay('none of the paths is at a cluster');
  if (clusters.size > 1) throw notOneWay(`the paths are at ${[...clusters].join(' and ')}`);
  const there = sources.filter((source) => source.cluster !== undefined).length;
  if (there !== (target.cluster === undefined ? sources.length : 0)) {
    throw notOneWay('sources and target are not apart');
  }
  return { cluster, args: places.map(asArgument) };
}

interface Place {
  cluster?: string;
  path: string;
}

/** As scp has it: a colon makes a path remote, unless there is a slash before it. */
function placeOf(text: string): Place {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(0, colon));
  if (!clusterNameSchema.safeParse(name).success) return { path: text };
  return { cluster: name, path: text.slice(colon + 1) };
}

/** A path here must not be taken for one at a host, whatever its name is. */
function asArgument({ cluster, path }: Place): string {
  if (cluster !== undefined) return `${frontendHost}:${path}`;
  return path.includes(':') && !/^\.{0,2}\//.test(path) ? `./${path}` : path;
}

function notOneWay(why: string): Failure {
  return new Failure('BadInput', `this is no copy between here and one cluster: ${why}`, {
    help: 'as in `mvc cp job.sh demo:` or `mvc cp demo:results.txt .`',
  });
}
