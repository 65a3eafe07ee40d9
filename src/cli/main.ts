#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { join } from 'node:path';
import { mvcHome } from '../installation/home.ts';
import { changeCommands } from './change.ts';
import { createCommand, destroyCommand, planCommand, watchCommand } from './cluster.ts';
import { cpCommand } from './cp.ts';
import { demoCommand } from './demo.ts';
import { reportError } from './errors.ts';
import { historyCommand } from './history.ts';
import { imageCommand } from './image.ts';
import { inventoryCommand } from './inventory.ts';
import { labCommand } from './lab.ts';
import { listCommand } from './list.ts';
import { reconcileCommand } from './reconcile.ts';
import { cancelCommand, resumeCommand } from './resume.ts';
import { runCommand } from './run.ts';
import { serviceCommands } from './services.ts';
import { siteCommand } from './site.ts';
import { sshCommand, sshTunnelCommand } from './ssh.ts';
import { statusCommand } from './status.ts';
import { sweepCommand } from './sweep.ts';
import { topologyCommand } from './topology.ts';
import { userCommand } from './user.ts';

const usageExitCode = 2;

function program(): Command {
  const mvc = new Command('mvc')
    .description('Builds one HPC cluster over VMs at several sites.')
    .showHelpAfterError('(mvc --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      `
A first cluster:
  mvc up                                             start the services
  mvc site add -f alpine.yaml                        register a site (once per site)
  mvc plan demo --site alpine=1 --site beach=2 --insecure
  mvc create demo --site alpine=1 --site beach=2 --insecure
  mvc ssh demo -- srun -N3 hostname
  mvc destroy demo

Without any site of your own: mvc demo
`,
    );
  const groups: Record<string, Command[]> = {
    'Start here:': [demoCommand(), ...serviceCommands(), statusCommand()],
    'Sites:': [siteCommand(), inventoryCommand(), sweepCommand(), reconcileCommand()],
    'Clusters:': [
      listCommand(),
      planCommand(),
      createCommand(),
      watchCommand(),
      resumeCommand(),
      cancelCommand(),
      destroyCommand(),
    ],
    'Clusters that were built:': [...changeCommands(), historyCommand()],
    'Use of a cluster:': [
      sshCommand(),
      runCommand(),
      cpCommand(),
      userCommand(),
      topologyCommand(),
    ],
    'Parts:': [imageCommand(), labCommand(() => join(mvcHome().root, 'lab'))],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) mvc.addCommand(inherit(command).helpGroup(heading));
  }
  mvc.addCommand(inherit(sshTunnelCommand()), { hidden: true });
  return mvc;
}

/** Commands that were built apart must also throw instead of ending the process. */
function inherit(command: Command): Command {
  command.exitOverride();
  for (const each of command.commands) inherit(each);
  return command;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageExitCode;
  else process.exitCode = reportError(error);
}
