import { Command } from 'commander';
import { defaultRolls } from '../domain/cluster.ts';
import { mvcHome } from '../installation/home.ts';
import { printJson, printLine } from './output.ts';

/** `mvc image` */
export function imageCommand(): Command {
  const command = new Command('image').description('the node image that VMs are made from');
  command.addCommand(
    new Command('build')
      .description(
        'build the node image from Debian packages, unless it is there (a build does this by itself)',
      )
      .option(
        '--roll <name>',
        `software set (repeat; default: ${defaultRolls.join(', ')})`,
        (value, list: string[]) => [...list, value],
        [] as string[],
      )
      .option('--json', 'as JSON')
      .addHelpText('after', '\nExample:\n  mvc image build --roll base --roll slurm --roll mpi\n')
      .action(async (options: { roll: string[]; json?: boolean }) => {
        const { ensureNodeImage } = await import('../image/node-image.ts');
        const image = await ensureNodeImage({
          directory: mvcHome().images,
          rolls: options.roll.length > 0 ? options.roll : defaultRolls,
          onProgress: (note: string) => {
            if (!options.json) printLine(note);
          },
        });
        if (options.json) printJson(image);
        else printLine(`${image.path} (${Math.round(image.size / 1e6)} MB)`);
      }),
  );
  return command;
}
