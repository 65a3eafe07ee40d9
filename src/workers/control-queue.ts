import { Worker, type NativeConnection, type WorkerInterceptors } from '@temporalio/worker';
import type { ControlActivities } from '../activities/control/control.ts';
import { controlQueue, workerDeployment } from '../domain/engine-names.ts';
import { workerIdentity } from './worker-connection.ts';
import { bundleVersion } from './workflow-bundle.ts';

/** What every worker of the control queue works with, whatever its version. */
export interface ControlQueue {
  connection: NativeConnection;
  namespace: string;
  activities: ControlActivities;
  /** Those of the workflows are in their bundle. */
  interceptors?: Pick<WorkerInterceptors, 'activity'>;
}

/**
 * A worker of the control queue, of the version that its bundle is of. A run stays with the version
 * that began it (it is pinned), and so do its children; activities are the same in all versions.
 *
 * @param bundle Path of the workflows' bundle; its name says the version.
 */
export async function createControlQueueWorker(
  { connection, namespace, activities, interceptors = {} }: ControlQueue,
  bundle: string,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: controlQueue,
    identity: workerIdentity(controlQueue),
    workflowBundle: { codePath: bundle },
    activities,
    interceptors,
    workerDeploymentOptions: {
      version: { deploymentName: workerDeployment, buildId: bundleVersion(bundle) },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
    // How long a task waits for the worker that had the run before, which may have been killed.
    stickyQueueScheduleToStartTimeout: '3s',
    // Otherwise a heartbeat may wait for four fifths of its timeout, and whoever watches with it.
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '10s',
  });
}
