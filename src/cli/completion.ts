import { Argument, Command } from 'commander';
import { readFile } from 'node:fs/promises';

/** The shells that there is a script for, in the folder `shells`. */
export const shells = ['bash', 'zsh', 'fish'] as const;

/** `mvc completion <shell>` */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print the script with which a shell completes commands, options and names')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', '\nExample:\n  eval "$(mvc completion bash)"\n')
    .action(async (shell: (typeof shells)[number]) => {
      process.stdout.write(await completionScript(shell));
    });
}

export async function completionScript(shell: (typeof shells)[number]): Promise<string> {
  return await readFile(new URL(`shells/mvc.${shell}`, import.meta.url), 'utf8');
}
