import { createRequire } from 'node:module';
import type { Payload, TypedSearchAttributes as TypedAttributes } from '@temporalio/common';
import type { coresdk } from '@temporalio/proto';

/**
 * The engine's own workflow library, as its sandbox loads it: workflows run on the very code that
 * runs them in production. Only what is around it (server, queues, workers) is played here.
 */
type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type JobKind = keyof Job;
/** A job as the library takes it: told apart by `variant`. */
export type ActivationJob = { [K in JobKind]-?: { variant: K } & Pick<Required<Job>, K> }[JobKind];
export type Command = coresdk.workflow_commands.IWorkflowCommand;

interface Activator {
  workflow: unknown;
  now: number;
  completed: boolean;
  workflowTaskError: unknown;
  info: { unsafe: object };
  mutateWorkflowInfo(change: (info: Activator['info']) => object): void;
  random(): number;
  getAndResetSinkCalls(): { ifaceName: string; fnName: string; args: unknown[] }[];
}

interface WorkerInterface {
  initialize(job: coresdk.workflow_activation.IInitializeWorkflow): void;
  activate(activation: { jobs: ActivationJob[] }): void;
  concludeActivation(): { successful?: { commands?: Command[] } };
  tryUnblockConditions(): number;
}

const require = createRequire(import.meta.url);
const { Activator: ActivatorClass } = require('@temporalio/workflow/lib/internals') as {
  Activator: new (options: object) => Activator;
};
const globals = require('@temporalio/workflow/lib/global-attributes') as {
  setActivator(activator: Activator | undefined): void;
  maybeGetActivator(): Activator | undefined;
};
export const library = require('@temporalio/workflow/lib/worker-interface') as WorkerInterface;
const { TypedSearchAttributes } = require('@temporalio/common') as {
  TypedSearchAttributes: new () => TypedAttributes;
};

export type { Activator, Payload };
export const { setActivator, maybeGetActivator } = globals;

export interface ActivatorOptions {
  workflowId: string;
  runId: string;
  type: string;
  taskQueue: string;
  now: number;
  parent?: { workflowId: string; runId: string };
  seed: number[];
  activities: Set<string>;
}

export function createActivator(options: ActivatorOptions, workflow: unknown): Activator {
  const { workflowId, runId, type, taskQueue, now, parent, seed, activities } = options;
  const info = {
    workflowId,
    runId,
    workflowType: type,
    namespace: 'simulated',
    firstExecutionRunId: runId,
    originalExecutionRunId: runId,
    attempt: 1,
    taskTimeoutMs: 10_000,
    taskQueue,
    ...(parent ? { parent: { ...parent, namespace: 'simulated' } } : {}),
    searchAttributes: {},
    typedSearchAttributes: new TypedSearchAttributes(),
    startTime: new Date(now),
    runStartTime: new Date(now),
    historyLength: 0,
    historySize: 0,
    continueAsNewSuggested: false,
    targetWorkerDeploymentVersionChanged: false,
    unsafe: { isReplaying: false, isReplayingHistoryEvents: false, now: () => Date.now() },
  };
  const activator = new ActivatorClass({
    info,
    now,
    showStackTraceSources: false,
    sourceMap: undefined,
    getTimeOfDay: () => BigInt(now) * 1_000_000n,
    randomnessSeed: seed,
    registeredActivityNames: activities,
    stackTracesEnabled: false,
  });
  activator.workflow = workflow;
  return activator;
}
