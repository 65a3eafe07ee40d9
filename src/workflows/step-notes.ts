import { log, metricMeter } from '@temporalio/workflow';
import { outcomeOf, type StepRecord } from '../domain/cluster.ts';
import { stepMetrics } from '../domain/step-metrics.ts';

/** Logs and counts what happens to a step. Both are silent in a replay. */
export function noteStep(cluster: string, record: StepRecord): void {
  const { step, site, rounds, startedAt, finishedAt, parked, note } = record;
  const where = site === undefined ? {} : { site };
  const about = { cluster, ...where, step, round: rounds ?? 1 };
  if (parked !== undefined) {
    const { kind, host, cause, help } = parked;
    count(stepMetrics.parked, { step, site: site ?? '', kind });
    log.warn('step is parked', { ...about, failure: kind, host, error: cause, help });
  } else if (finishedAt === undefined) {
    log.info('step begins', about);
  } else {
    const outcome = outcomeOf(record);
    const durationMs = finishedAt - startedAt;
    metricMeter
      .createHistogram(stepMetrics.seconds, 'float')
      .record(durationMs / 1000, { step, site: site ?? '', outcome });
    const told = { ...about, outcome, durationMs, ...(note === undefined ? {} : { note }) };
    if (outcome === 'failed') log.warn('step failed', { ...told, error: record.error });
    else log.info(outcome === 'skipped' ? 'step was left out' : 'step is done', told);
  }
}

function count(name: string, labels: Record<string, string>): void {
  metricMeter.createCounter(name).add(1, labels);
}
