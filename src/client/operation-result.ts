import type { BuildResult } from '../workflows/build-cluster.ts';
import type { ChangeResult } from '../workflows/change-cluster.ts';
import type { DestroyResult } from '../workflows/destroy-cluster.ts';

/** How an operation on a cluster ended. */
export type OperationResult = BuildResult | ChangeResult | DestroyResult;
