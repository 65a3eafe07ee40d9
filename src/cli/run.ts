import { Command } from 'commander';
import { frontendHost, runSshProgram } from './cluster-login.ts';
import { withLoginOptions, type LoginOptions } from './ssh.ts';

/** `mvc run <cluster> -- <program> [argument...]` */
export function runCommand(): Command {
  return withLoginOptions(new Command('run'))
    .description("run a program at a cluster's frontend, with its input, output and exit code here")
    .argument('<cluster>')
    .argument('<program...>', 'the program and its arguments (after --), taken as they are')
    .addHelpText(
      'after',
      '\nExamples:\n  mvc run demo -- srun -N3 hostname\n  mvc run demo -- sh -c \'cat > "my input"\' < data\n',
    )
    .action(async (cluster: string, program: string[], options: LoginOptions) => {
      const remote = program.map(quoteWord).join(' ');
      const args = ['-T', frontendHost, '--', remote];
      process.exitCode = await runSshProgram(cluster, options, 'ssh', args);
    });
}

/** One word to the shell at the other end, whatever is in it. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
