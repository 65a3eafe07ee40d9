import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { workerDeployment } from '../domain/engine-names.ts';

const askEveryMs = 100;
/** The engine learns of a version from its worker's first poll, which takes a moment. */
const sayWhyAfterMs = 10_000;
/** Numbers of the engine's protocol: WorkerDeploymentVersionStatus. */
const status = { current: 2, ramping: 3, draining: 4 };
const grpc = { notFound: 5 };

/** The versions of the workflows' code, as the engine knows them. */
export class WorkflowVersions {
  private readonly service: NativeConnection['workflowService'];
  private readonly deployment: { namespace: string; deploymentName: string };

  constructor(connection: NativeConnection, namespace: string) {
    this.service = connection.workflowService;
    this.deployment = { namespace, deploymentName: workerDeployment };
  }

  /**
   * Lets new runs begin on this version. Its worker must poll, or be about to; until the engine has
   * heard of it this asks again.
   */
  async makeCurrent(version: string, log: Logger, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    let said = false;
    while (!signal.aborted) {
      try {
        await this.service.setWorkerDeploymentCurrentVersion({
          ...this.deployment,
          buildId: version,
        });
        log.info({ version }, 'new operations begin on this version');
        return;
      } catch (error) {
        if (!said && Date.now() - began > sayWhyAfterMs) {
          said = true;
          const message = `version ${version} cannot be made current yet; new operations begin on the version before it`;
          log.warn({ error: String(error) }, message);
        }
        await sleep(said ? askEveryMs * 20 : askEveryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Versions on which runs may still be open: the current one and those that are draining. */
  async listOpen(): Promise<string[]> {
    const summaries = await this.summaries();
    return summaries
      .filter((each) => Object.values(status).includes(each.status ?? 0))
      .map((each) => each.deploymentVersion?.buildId ?? '')
      .filter((version) => version !== '');
  }

  private async summaries() {
    try {
      const described = await this.service.describeWorkerDeployment(this.deployment);
      return described.workerDeploymentInfo?.versionSummaries ?? [];
    } catch (error) {
      // Before the first worker has polled there is no such deployment.
      if ((error as { code?: number }).code === grpc.notFound) return [];
      throw error;
    }
  }
}
