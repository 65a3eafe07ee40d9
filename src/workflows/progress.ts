import {
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  type ClusterPhase,
  type OperationKind,
  type ParkedStep,
  type StepRecord,
} from '../domain/cluster.ts';
import { searchAttributes } from '../domain/engine-names.ts';
import type { ClusterProgress } from '../domain/progress.ts';
import { describeBoard } from './board-text.ts';
import { progressQuery } from './messages.ts';

const clusterKey = defineSearchAttributeKey(searchAttributes.cluster, 'KEYWORD');
const siteKey = defineSearchAttributeKey(searchAttributes.site, 'KEYWORD');
const phaseKey = defineSearchAttributeKey(searchAttributes.phase, 'KEYWORD');
const attentionKey = defineSearchAttributeKey(searchAttributes.attention, 'BOOL');

/** What the lists in the engine's UI know of a site's workflow. */
export function siteAttributes(cluster: string, site: string) {
  return [
    { key: clusterKey, value: cluster },
    { key: siteKey, value: site },
  ];
}

/** Where an operation on a cluster stands: for the query, the engine's UI and its search. */
export class ProgressBoard {
  readonly progress: ClusterProgress;
  private attention = false;

  constructor(cluster: string, operation: OperationKind, phase: ClusterPhase) {
    this.progress = { cluster, operation, phase, steps: [], message: '' };
    setHandler(progressQuery, () => this.progress, {
      description: 'Where the operation stands: phase and steps with their times.',
    });
    this.setPhase(phase, `${operation} begins`);
  }

  /** Steps that wait for a person or for their next round. */
  get parked(): ParkedStep[] {
    return this.progress.steps.flatMap(({ step, site, parked }) =>
      parked ? [{ ...parked, step, ...(site === undefined ? {} : { site }) }] : [],
    );
  }

  setPhase(phase: ClusterPhase, message: string): void {
    this.progress.phase = phase;
    this.progress.message = message;
    upsertSearchAttributes([
      { key: clusterKey, value: this.progress.cluster },
      { key: phaseKey, value: phase },
    ]);
    this.publish();
  }

  /** Begins anew: a corrected spec has made another plan of what is left to do. */
  clearSteps(): void {
    this.progress.steps = this.progress.steps.filter((each) => each.finishedAt !== undefined);
    this.publish();
  }

  readonly record = (record: StepRecord): void => {
    const { steps } = this.progress;
    const index = steps.findIndex((each) => each.step === record.step && each.site === record.site);
    if (index < 0) steps.push(record);
    else steps[index] = record;
    this.publish();
  };

  private publish(): void {
    const { parked } = this;
    const attention = parked.length > 0 || this.progress.phase === 'failed';
    if (attention !== this.attention) {
      upsertSearchAttributes([{ key: attentionKey, value: attention }]);
      this.attention = attention;
    }
    const board = describeBoard(this.progress, parked);
    setCurrentDetails(`${board}\n\nrun ${workflowInfo().runId}`);
  }
}
