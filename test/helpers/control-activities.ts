import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createControlActivities,
  type ControlActivities,
} from '../../src/activities/control/control.ts';
import type { SecretVault } from '../../src/domain/envelope.ts';
import type { Database } from '../../src/store/database.ts';
import { installation } from './plans.ts';

/** Failures are what many tests ask for. */
const logger = new DefaultLogger('ERROR');

const noVault: SecretVault = {
  keyId: 'none',
  seal: () => ({ keyId: 'none', wrappedKey: Buffer.from('-'), sealed: Buffer.from('-') }),
  unseal: () => Buffer.alloc(0),
};

/** The control activities as the workflow run of this id calls them. */
export function controlOfRun(db: Database, run: string): ControlActivities {
  const activities = createControlActivities({
    db,
    vault: noVault,
    installation,
    userKey: 'ssh-ed25519 AAAA test',
    buildImage: () => Promise.reject(new Error('memory sites need no image')),
    schedules: { ensure: async () => {}, remove: async () => {} },
  });
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      const workflowExecution = { workflowId: `cluster:${run}`, runId: run };
      const environment = new MockActivityEnvironment({ workflowExecution }, { logger });
      return environment.run(activity, input);
    },
  ]);
  return Object.fromEntries(wrapped) as ControlActivities;
}
