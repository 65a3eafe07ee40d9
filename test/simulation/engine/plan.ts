import type { Failure } from '../../../src/domain/failure.ts';

/** An activity as its faults are decided by: where it was called from, and which attempt this is. */
export interface ActivityCall {
  workflowType: string;
  workflowId: string;
  activity: string;
  queue: string;
  /** From 1. */
  attempt: number;
  /** Which call of this activity by this type of workflow it is, in the whole run; from 0. */
  occurrence: number;
}

/** What becomes of one attempt. A killed worker gives no answer, and its heartbeats stop. */
export type AttemptPlan =
  | { kind: 'run' }
  | { kind: 'twice' }
  | { kind: 'fails'; failure: Failure }
  | { kind: 'answer lost'; failure: Failure }
  | { kind: 'killed before the effect' }
  | { kind: 'killed after the effect' }
  | { kind: 'killed before the answer' };

export interface EnginePlan {
  attempt(call: ActivityCall): AttemptPlan;
  /** Whether a worker loses the workflow from its memory and reads it again from its history. */
  forget(): boolean;
}
