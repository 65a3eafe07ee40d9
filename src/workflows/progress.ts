import {
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { ClusterPhase, StepName, StepRecord } from '../domain/cluster.ts';
import { searchAttributes } from '../domain/engine-names.ts';
import { messageOf } from './failures.ts';
import { progressQuery, type ClusterProgress } from './messages.ts';

export type StepListener = (record: StepRecord) => void;

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

/** Runs one step and tells the listener when it begins, ends or fails. */
export async function runStep<T>(
  tell: StepListener,
  step: StepName,
  site: string | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const begun = { step, ...(site === undefined ? {} : { site }), startedAt: Date.now() };
  tell(begun);
  try {
    const result = await body();
    tell({ ...begun, finishedAt: Date.now() });
    return result;
  } catch (error) {
    tell({ ...begun, finishedAt: Date.now(), error: messageOf(error) });
    throw error;
  }
}

/** Where an operation on a cluster stands: for the query, the engine's UI and its search. */
export class ProgressBoard {
  readonly progress: ClusterProgress;

  constructor(cluster: string, operation: ClusterProgress['operation'], phase: ClusterPhase) {
    this.progress = { cluster, operation, phase, steps: [], message: '' };
    setHandler(progressQuery, () => this.progress, {
      description: 'Where the operation stands: phase and steps with their times.',
    });
    this.setPhase(phase, `${operation} begins`);
  }

  setPhase(phase: ClusterPhase, message: string): void {
    this.progress.phase = phase;
    this.progress.message = message;
    upsertSearchAttributes([
      { key: clusterKey, value: this.progress.cluster },
      { key: phaseKey, value: phase },
      { key: attentionKey, value: phase === 'failed' },
    ]);
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
    const { cluster, operation, phase, message, steps } = this.progress;
    const rows = steps.map(
      (each) =>
        `| ${each.step} | ${each.site ?? 'all'} | ${stateOf(each)} | ${(each.error ?? '').replaceAll('|', ' ')} |`,
    );
    setCurrentDetails(
      [
        `**${operation} of ${cluster}: ${phase}**. ${message}`,
        '',
        '| step | site | state | error |',
        '| --- | --- | --- | --- |',
        ...rows,
        '',
        `run ${workflowInfo().runId}`,
      ].join('\n'),
    );
  }
}

function stateOf(record: StepRecord): string {
  if (record.error !== undefined) return 'failed';
  if (record.finishedAt === undefined) return 'running';
  return `done in ${((record.finishedAt - record.startedAt) / 1000).toFixed(1)} s`;
}
