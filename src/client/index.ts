/** What other programs import: `import { MvcClient } from 'mvc-client'`. */
export { MvcClient, type MvcClientOptions } from './mvc-client.ts';
export type { RunningOperation, StartedOperation, WatchedProgress } from './cluster-runs.ts';
export type { OperationResult } from './operation-result.ts';
export { Failure, type FailureKind } from '../domain/failure.ts';
export type { ClusterSpecInput, StepRecord, VerifyReport } from '../domain/cluster.ts';
export type { PlanPreview } from '../domain/plan-change.ts';
export type { SiteFacts, SiteInput } from '../domain/site.ts';
export type { ClusterProgress, ResumeInput, ResumeResult } from '../workflows/messages.ts';
