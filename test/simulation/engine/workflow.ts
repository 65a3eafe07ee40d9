import { isDeepStrictEqual } from 'node:util';
import { settle } from './clock.ts';
import {
  createActivator,
  library,
  setActivator,
  type ActivationJob,
  type Activator,
  type ActivatorOptions,
  type Command,
} from './sdk.ts';

interface Activation {
  now: number;
  jobs: ActivationJob[];
}

/** One workflow in a worker's memory, and the history from which it can be made anew. */
export class WorkflowInstance {
  private readonly options: ActivatorOptions;
  private readonly definition: unknown;
  private activator: Activator;
  private readonly history: (Activation & { commands: Command[] })[] = [];

  constructor(options: ActivatorOptions, definition: unknown) {
    this.options = options;
    this.definition = definition;
    this.activator = createActivator(options, definition);
  }

  /** One workflow task. Returns what the workflow asks for. */
  async activate(now: number, jobs: ActivationJob[]): Promise<Command[]> {
    const commands = await this.run({ now, jobs }, false);
    this.history.push({ now, jobs, commands });
    return commands;
  }

  /**
   * Loses the workflow and makes it again from its history, as the next worker would.
   *
   * @throws if it does not ask for the same things again.
   */
  async replay(): Promise<void> {
    this.activator = createActivator(this.options, this.definition);
    for (const past of this.history) {
      const commands = await this.run(past, true);
      if (isDeepStrictEqual(commands, past.commands)) continue;
      throw new Error(
        `replay of ${this.options.workflowId} differs: ${JSON.stringify(kindsOf(past.commands))} became ${JSON.stringify(kindsOf(commands))}`,
      );
    }
  }

  async query(job: ActivationJob): Promise<Command[]> {
    return this.run({ now: this.activator.now, jobs: [job] }, false);
  }

  private async run({ now, jobs }: Activation, isReplaying: boolean): Promise<Command[]> {
    const { activator } = this;
    setActivator(activator);
    try {
      activator.now = now;
      activator.mutateWorkflowInfo((info) => ({
        ...info,
        unsafe: { ...info.unsafe, isReplaying, isReplayingHistoryEvents: isReplaying },
      }));
      const first = jobs[0];
      if (first?.variant === 'initializeWorkflow') library.initialize(first.initializeWorkflow!);
      library.activate({ jobs: [...jobs] });
      do await settle();
      while (library.tryUnblockConditions() > 0);
      const { successful } = library.concludeActivation();
      activator.getAndResetSinkCalls();
      return successful?.commands ?? [];
    } finally {
      setActivator(undefined);
    }
  }
}

function kindsOf(commands: Command[]): string[] {
  return commands.map((command) => Object.keys(command)[0] ?? '');
}
