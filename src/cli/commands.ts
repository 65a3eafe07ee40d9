import type { Command } from 'commander';

/** One command of `mvc`. Its module is loaded when it is used: `mvc --help` loads none. */
export interface CommandEntry {
  name: string;
  /** What it does, in the few words that fit into the list of `mvc --help`. */
  summary: string;
  load: (programs: Programs) => Promise<Command>;
  /** Used by other programs (ssh, a shell), not by people. */
  hidden?: boolean;
}

/** The program itself, for the commands that look at it: help, completion. */
export interface Programs {
  /** With the command loaded that the words name; of all others there is the name and the summary. */
  programFor: (words: readonly string[]) => Promise<Command>;
  /** With every command loaded. */
  wholeProgram: () => Promise<Command>;
}

/** Every command, under the heading it has in `mvc --help`. One entry here adds a command. */
export const commandGroups: Record<string, CommandEntry[]> = {
  'Start here:': [
    entry('demo', 'build a real cluster over three test sites on this machine', async () =>
      (await import('./demo.ts')).demoCommand(),
    ),
    entry('up', 'start the database, the workflow engine and the workers', async () =>
      (await import('./services.ts')).upCommand(),
    ),
    entry('down', 'stop what `mvc up` started', async () =>
      (await import('./services.ts')).downCommand(),
    ),
    entry('status', 'health of the services, or the state of one cluster', async () =>
      (await import('./status.ts')).statusCommand(),
    ),
    entry('ui', 'addresses in the web interface: what runs, what is parked', async () =>
      (await import('./ui.ts')).uiCommand(),
    ),
    entry('doctor', 'look at the whole installation, and say what to mend', async () =>
      (await import('./doctor.ts')).doctorCommand(),
    ),
  ],
  'Sites:': [
    entry('site', 'register and inspect sites', async () =>
      (await import('./site.ts')).siteCommand(),
    ),
    entry('inventory', "what carries this installation's mark at the sites", async () =>
      (await import('./inventory.ts')).inventoryCommand(),
    ),
    entry('sweep', 'list, and on request remove, what belongs to no cluster', async () =>
      (await import('./sweep.ts')).sweepCommand(),
    ),
    entry('reconcile', 'how the database differs from the sites', async () =>
      (await import('./reconcile.ts')).reconcileCommand(),
    ),
  ],
  'Clusters:': [
    entry('list', 'list the clusters', async () => (await import('./list.ts')).listCommand()),
    entry('plan', 'show what a build or a change would do, without doing it', async () =>
      (await import('./cluster.ts')).planCommand(),
    ),
    entry('create', 'build a cluster, or go on with one', async () =>
      (await import('./cluster.ts')).createCommand(),
    ),
    entry('watch', 'show the operation that runs on a cluster', async () =>
      (await import('./cluster.ts')).watchCommand(),
    ),
    entry('resume', 'try the parked steps of an operation again', async () =>
      (await import('./resume.ts')).resumeCommand(),
    ),
    entry('cancel', 'stop the operation that runs on a cluster', async () =>
      (await import('./resume.ts')).cancelCommand(),
    ),
    entry('destroy', 'remove a cluster from every site', async () =>
      (await import('./cluster.ts')).destroyCommand(),
    ),
  ],
  'Clusters that were built:': [
    entry('scale', 'add or remove computes', async () =>
      (await import('./change.ts')).scaleCommand(),
    ),
    entry('repair', 'mend what differs at the sites', async () =>
      (await import('./change.ts')).repairCommand(),
    ),
    entry('stop', 'power a cluster or one VM down', async () =>
      (await import('./change.ts')).stopCommand(),
    ),
    entry('start', 'power a cluster or one VM up', async () =>
      (await import('./change.ts')).startCommand(),
    ),
    entry('console', "the end of a VM's serial console", async () =>
      (await import('./console.ts')).consoleCommand(),
    ),
    entry('history', 'list the operations on a cluster', async () =>
      (await import('./history.ts')).historyCommand(),
    ),
    entry('logs', 'what the workers logged of a cluster', async () =>
      (await import('./logs.ts')).logsCommand(),
    ),
  ],
  'Use of a cluster:': [
    entry('ssh', "log in to a cluster's frontend VM, or run a command there", async () =>
      (await import('./ssh.ts')).sshCommand(),
    ),
    entry('run', 'run a command at the frontend, as srun or sbatch', async () =>
      (await import('./run.ts')).runCommand(),
    ),
    entry('cp', 'copy files to and from a cluster', async () =>
      (await import('./cp.ts')).cpCommand(),
    ),
    entry('user', 'accounts that are the same on every node', async () =>
      (await import('./user.ts')).userCommand(),
    ),
    entry('topology', 'latency and bandwidth between sites and nodes', async () =>
      (await import('./topology.ts')).topologyCommand(),
    ),
  ],
  'Parts:': [
    entry('schema', 'print the JSON Schema of a spec', async () =>
      (await import('./schema.ts')).schemaCommand(),
    ),
    entry('image', 'the node image that VMs are made from', async () =>
      (await import('./image.ts')).imageCommand(),
    ),
    entry('lab', 'make test sites on this machine', async () =>
      (await import('./lab.ts')).labCommand(),
    ),
    hidden('ssh-tunnel', 'the way of `mvc ssh` through a site', async () =>
      (await import('./ssh.ts')).sshTunnelCommand(),
    ),
  ],
  'Help:': [
    entry('help', 'show a topic, or the help of a command', async (programs) =>
      (await import('./help.ts')).helpCommand(programs),
    ),
    entry('explain', 'what an error means, and what to do', async () =>
      (await import('./explain.ts')).explainCommand(),
    ),
    entry('completion', 'print the completion script of a shell', async () =>
      (await import('./completion.ts')).completionCommand(),
    ),
    hidden('__complete', 'what a shell may offer', async (programs) =>
      (await import('./complete.ts')).completeCommand(programs),
    ),
  ],
};

function entry(name: string, summary: string, load: CommandEntry['load']): CommandEntry {
  return { name, summary, load };
}

function hidden(...given: Parameters<typeof entry>): CommandEntry {
  return { ...entry(...given), hidden: true };
}
