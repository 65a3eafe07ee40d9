/**
 * What a program needs to start, watch and end operations on clusters; `npm run build:client` makes a
 * package of it.
 *
 * @module
 */
export { Failure, type FailureKind } from '../domain/failure.ts';
export type {
  ClusterPhase,
  ClusterSpecInput,
  OperationKind,
  ParkedStep,
  StepRecord,
  VerifyReport,
} from '../domain/cluster.ts';
export type { PlanPreview } from '../domain/plan-change.ts';
export type { SiteFacts, SiteInput } from '../domain/site.ts';
export type { ResumeInput, ResumeResult } from '../domain/progress.ts';
export type { RunningOperation, StartedOperation } from './cluster-runs.ts';
export type { WatchedProgress } from './watched.ts';
export { MvcClient, type MvcClientOptions } from './mvc-client.ts';
export type { OperationResult } from '../domain/results.ts';
