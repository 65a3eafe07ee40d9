import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { frontendHost, ownUser, runSshProgram } from './cluster-login.ts';
import { withStore } from './context.ts';

export interface LoginOptions {
  user: string;
  identity?: string;
}

/** Options of every command that logs in. */
export function withLoginOptions(command: Command): Command {
  return command
    .option('-u, --user <name>', 'log in as this user', ownUser)
    .option('-i, --identity <file>', "private key (default: the installation's own, or yours)");
}

/** `mvc ssh <cluster> [-- command]` */
export function sshCommand(): Command {
  return withLoginOptions(new Command('ssh'))
    .description("log in to a cluster's frontend VM, or run a command there")
    .argument('<cluster>')
    .argument('[command...]', 'run this instead of a shell (after --)')
    .addHelpText(
      'after',
      '\nExamples:\n  mvc ssh demo\n  mvc ssh demo --user alice\n  mvc ssh demo -- srun -N3 hostname\n',
    )
    .action(async (cluster: string, command: string[], options: LoginOptions) => {
      // ssh joins the words of a remote command with blanks, as its users expect.
      const remote = command.length > 0 ? ['--', ...command] : [];
      process.exitCode = await runSshProgram(cluster, options, 'ssh', [frontendHost, ...remote]);
    });
}

/** `mvc ssh-tunnel`: used by ssh itself, as its way through a site's physical frontend. */
export function sshTunnelCommand(): Command {
  return new Command('ssh-tunnel')
    .description('connect stdin and stdout to port 22 of a VM through its site (used by mvc ssh)')
    .argument('<site>')
    .argument('<address>')
    .action(async (name: string, address: string) => {
      const found = await withStore(async (db) =>
        (await import('../store/sites.ts')).findSite(db, name),
      );
      if (found?.site.kind !== 'libvirt')
        throw new Failure('NotFound', `there is no site ${name} that ssh reaches`);
      const { createSshDoor } = await import('../transport/ssh-door.ts');
      const door = createSshDoor(found.site);
      try {
        const tunnel = await door.openTunnel(address, 22);
        await Promise.race([pipeline(process.stdin, tunnel), pipeline(tunnel, process.stdout)]);
      } finally {
        door.close();
      }
    });
}
