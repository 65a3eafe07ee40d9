import { z } from 'zod';
import { clusterIdSchema, clusterNameSchema } from './names.ts';

/**
 * The mark that everything we make at a site carries. What does not carry our installation's mark
 * is never adopted, changed or deleted.
 */
export const markSchema = z.strictObject({
  /** This installation of the controller, a UUID made once. */
  installation: z.uuid(),
  cluster: clusterNameSchema,
  /** Random identity of the cluster; two clusters of one name in succession differ in it. */
  clusterId: clusterIdSchema,
});
export type Mark = z.infer<typeof markSchema>;

/**
 * Who asks: a cluster's mark and the epoch of the operation (build, destroy, …). Hosts keep the
 * highest epoch that they have seen of a cluster and refuse a lower one.
 */
export const operationSchema = z.strictObject({
  mark: markSchema,
  epoch: z.int().min(1),
});
export type Operation = z.infer<typeof operationSchema>;

export function sameMark(a: Mark, b: Mark): boolean {
  return a.installation === b.installation && a.clusterId === b.clusterId;
}
