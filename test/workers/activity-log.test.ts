import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { toApplicationFailure } from '../../src/activities/activity.ts';
import { Failure } from '../../src/domain/failure.ts';
import { stepHeader } from '../../src/domain/step-header.ts';
import { watchActivities } from '../../src/workers/activity-log.ts';
import { createLog } from '../../src/workers/log.ts';
import { createActivityMetrics } from '../../src/workers/metrics/activity-metrics.ts';

const info = {
  activityType: 'ensureImage',
  attempt: 3,
  taskQueue: 'site:beach',
  workflowExecution: { workflowId: 'cluster:demo:beach', runId: 'r' },
};
const inImageStep = {
  [stepHeader]: defaultPayloadConverter.toPayload({ step: 'image', round: 2 }),
};

async function watched(
  body: () => Promise<unknown>,
  options: { headers?: typeof inImageStep; aborted?: boolean; info?: Partial<typeof info> } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('site', {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const registry = new Registry();
  const interceptors = watchActivities(
    log,
    createActivityMetrics(registry),
  )({
    info: { ...info, ...options.info },
    cancellationSignal: options.aborted ? AbortSignal.abort() : new AbortController().signal,
  });
  const input = { args: [], headers: options.headers ?? {} };
  const outcome = await interceptors.inbound!.execute!(input, body).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  const own = interceptors.outbound!.getLogAttributes!({}, (attributes) => attributes);
  return { lines, outcome, own, metrics: await registry.metrics() };
}

describe('an activity', () => {
  const place = { cluster: 'demo', site: 'beach', step: 'image', round: 2, attempt: 3 };

  it('is logged when it begins and when it is done, with its place and duration', async () => {
    const { lines, outcome } = await watched(async () => 42, { headers: inImageStep });
    expect(outcome).toEqual({ result: 42 });
    expect(lines).toMatchObject([
      { ...place, level: 'info', activity: 'ensureImage', msg: 'ensureImage begins' },
      {
        ...place,
        level: 'info',
        msg: 'ensureImage is done',
        durationMs: expect.any(Number) as number,
      },
    ]);
  });

  it('is logged with the kind, host and sentence of its failure, which is passed on', async () => {
    const failure = toApplicationFailure(new Failure('NoCapacity', 'full', { host: 'h1' }));
    const { lines, outcome } = await watched(() => Promise.reject(failure));
    expect(outcome).toEqual({ error: failure });
    expect(lines[1]).toMatchObject({
      level: 'warn',
      msg: 'ensureImage failed',
      failure: 'NoCapacity',
      host: 'h1',
      error: 'full',
      durationMs: expect.any(Number) as number,
    });
  });

  it('that was cancelled is no failure', async () => {
    const { lines, metrics } = await watched(() => Promise.reject(new Error('stopped')), {
      aborted: true,
    });
    expect(lines[1]).toMatchObject({ level: 'info', msg: 'ensureImage was cancelled' });
    expect(metrics).toMatch(/mvc_activities_total\{.*outcome="cancelled".*\} 1/);
  });

  it('is counted, its attempts after the first as retries', async () => {
    const again = await watched(async () => 0, { headers: inImageStep });
    const labels = 'activity="ensureImage",site="beach",step="image"';
    expect(again.metrics).toContain(`mvc_activities_total{${labels},outcome="done"} 1`);
    expect(again.metrics).toContain(`mvc_activity_retries_total{${labels}} 1`);
    const first = await watched(async () => 0, { info: { attempt: 1 } });
    expect(first.metrics).not.toContain('mvc_activity_retries_total{');
  });

  it('puts its place on its own lines too', async () => {
    const { own } = await watched(async () => 0, { headers: inImageStep });
    expect(own).toMatchObject(place);
  });

  it('at a site says the site where it runs, whatever its workflow is about', async () => {
    const { lines } = await watched(async () => 0, {
      info: {
        taskQueue: 'site:alpine',
        workflowExecution: { workflowId: 'cluster:demo', runId: 'r' },
      },
    });
    expect(lines[0]).toMatchObject({ cluster: 'demo', site: 'alpine' });
  });

  it('is run all the same when the header of its step cannot be read', async () => {
    const headers = { [stepHeader]: defaultPayloadConverter.toPayload(['image']) };
    const { outcome, lines } = await watched(async () => 42, { headers });
    expect(outcome).toEqual({ result: 42 });
    expect(lines[0]).not.toHaveProperty('step');
  });

  it('that failed for a foreign cause says that', async () => {
    const { lines } = await watched(() =>
      Promise.reject(ApplicationFailure.create({ message: 'x' })),
    );
    expect(lines[1]).toMatchObject({ error: 'x', failure: 'unknown' });
  });
});
