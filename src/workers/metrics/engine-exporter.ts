import { createServer, type AddressInfo } from 'node:net';
import type { TelemetryOptions } from '@temporalio/worker';
import { stepMetrics } from '../../domain/step-metrics.ts';

const second = 1;
const minute = 60 * second;
const answerWithinMs = 3_000;

/** Steps take seconds (memory sites) to hours (an image over a slow line). */
const stepBuckets = [0.1, 0.5, 1, 2, 5, 10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 20 * minute, 60 * minute]; // prettier-ignore
/** A task that waits longer than some seconds tells of too few workers, or of none. */
const queueBuckets = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, minute, 3 * minute];

/**
 * How the engine's library exports what it measures: on a port of its own of the loopback address,
 * from which the worker's own listener takes it over. Names end with their unit, times are seconds.
 *
 * @param bindAddress `127.0.0.1:<port>`.
 */
export function engineMetrics(bindAddress: string): NonNullable<TelemetryOptions['metrics']> {
  return {
    attachServiceName: false,
    prometheus: {
      bindAddress,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
      histogramBucketOverrides: {
        [stepMetrics.seconds]: stepBuckets,
        activity_schedule_to_start_latency: queueBuckets,
        workflow_task_schedule_to_start_latency: queueBuckets,
      },
    },
  };
}

/** A port of the loopback address that was free a moment ago. */
export async function freeLoopbackPort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** What the engine's library has measured, in Prometheus' text format. */
export async function readEngineMetrics(bindAddress: string): Promise<string> {
  const response = await fetch(`http://${bindAddress}/metrics`, {
    signal: AbortSignal.timeout(answerWithinMs),
  });
  if (!response.ok) throw new Error(`the engine's exporter answered ${response.status}`);
  return await response.text();
}
