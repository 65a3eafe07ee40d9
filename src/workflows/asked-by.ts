import { workflowInfo } from '@temporalio/workflow';
import { askedByOf } from '../domain/asked-by.ts';

/** Who asked for this run, for its record. */
export function askedBy(): { askedBy?: string } {
  return askedByOf(workflowInfo().memo);
}
