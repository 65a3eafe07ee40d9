import type { Operation } from '../../domain/mark.ts';
import { renderNodesUpdate } from '../../rolls/nodes-update.ts';
import { activity } from '../activity.ts';
import { contextOf, secretsOf } from './cluster-context.ts';
import type { ControlDependencies } from './dependencies.ts';
import { clusterOf } from './shares.ts';

/** Activities about what a running frontend VM must be told of its computes. */
export function createNodeActivities(dependencies: ControlDependencies) {
  return {
    /** Holds no secret: a node's token is in it as a digest alone. */
    async nodesUpdate(input: {
      operation: Operation;
    }): Promise<{ /** Base64 of a gzipped tar. */ archive: string }> {
      return activity(async () => {
        const cluster = await clusterOf(dependencies.db, input.operation);
        const context = await contextOf(dependencies, cluster, input.operation.epoch);
        const secrets = await secretsOf(dependencies, cluster);
        return { archive: renderNodesUpdate(context, secrets).toString('base64') };
      });
    },
  };
}
