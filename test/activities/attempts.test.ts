import { defaultPayloadConverter, type ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { activity } from '../../src/activities/activity.ts';
import { attemptsHeader, failedAttempt } from '../../src/domain/attempts.ts';
import { Failure } from '../../src/domain/failure.ts';
import { tellAttempts } from '../../src/workers/told-attempts.ts';

const failed = [failedAttempt(1, { kind: 'Unreachable', message: 'silence' }, 5)];

/** What an activity in its second attempt heartbeats, and how it ends. */
async function secondAttempt(body: Parameters<typeof activity>[0]) {
  const environment = new MockActivityEnvironment({ attempt: 2, heartbeatDetails: { failed } });
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const outcome = await environment
    .run(() => activity(body))
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
  return { heartbeats, outcome };
}

describe('an activity that is tried again', () => {
  it('carries the failures of earlier attempts along with its progress', async () => {
    const { heartbeats, outcome } = await secondAttempt(async (watch) => {
      watch.progress({ bytes: 1, of: 2 });
      return 42;
    });
    expect(heartbeats).toEqual([{ bytes: 1, of: 2, failed }]);
    expect(outcome).toEqual({ result: 42 });
  });

  it('tells the next attempt and the workflow why it failed itself', async () => {
    const { heartbeats, outcome } = await secondAttempt(() =>
      Promise.reject(new Failure('Busy', 'locked', { host: 'h1' })),
    );
    const own = { from: 2, to: 2, kind: 'Busy', error: 'locked', host: 'h1' };
    const both = [failed[0], expect.objectContaining(own)];
    expect(heartbeats).toEqual([{ failed: both }]);
    const { error } = outcome as { error: ApplicationFailure };
    expect(error.details).toEqual([
      { kind: 'Busy', message: 'locked', host: 'h1' },
      { attempts: 2, failed: both },
    ]);
  });
});

describe('its result', () => {
  const reads = { [attemptsHeader]: defaultPayloadConverter.toPayload(true) };
  const told = async (headers: typeof reads | object, attempt: number) => {
    const { info } = new MockActivityEnvironment({ attempt, heartbeatDetails: { failed } }).context;
    const { inbound } = tellAttempts({ info } as Parameters<typeof tellAttempts>[0]);
    return inbound!.execute!({ args: [], headers: { ...headers } }, async () => 42);
  };

  it('tells of the attempts a workflow that reads them', async () => {
    expect(await told(reads, 2)).toEqual({
      [attemptsHeader]: { attempts: 2, failed },
      result: 42,
    });
  });

  it('is bare for any other, and where the first attempt succeeded', async () => {
    expect(await told({}, 2)).toBe(42);
    expect(await told(reads, 1)).toBe(42);
  });
});
