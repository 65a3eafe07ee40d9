import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { toClientFailure } from './client-failure.ts';

/** What the workflow engine says of itself, as far as our workflows rest on it. */
export interface EngineFacts {
  version: string;
  searchAttributes: string[];
  /** Ids of its schedules. */
  schedules: string[];
  /** Task queue → identities of the workers that asked it for work within the last minutes. */
  workers: Record<string, string[]>;
}

/** A worker asks at least once a minute. */
const recentMs = 150_000;
/** Numbers of the engine's protocol: TaskQueueType. */
const queueTypes = { activity: 2 };

/** @throws {Failure} Unreachable. */
export async function readEngineFacts(
  options: { connection: ConnectionOptions; namespace: string },
  queues: string[],
): Promise<EngineFacts> {
  const { namespace } = options;
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ connectTimeout: '5s', ...options.connection });
    const engine = new Client({ connection, namespace });
    const [system, attributes, schedules, workers] = await Promise.all([
      connection.workflowService.getSystemInfo({}),
      connection.operatorService.listSearchAttributes({ namespace }),
      listSchedules(engine),
      listWorkers(connection, namespace, queues),
    ]);
    return {
      version: system.serverVersion ?? 'unknown',
      searchAttributes: Object.keys(attributes.customAttributes ?? {}),
      schedules,
      workers,
    };
  } catch (error) {
    throw toClientFailure(error, 'the engine');
  } finally {
    await connection?.close();
  }
}

async function listSchedules(engine: Client): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId } of engine.schedule.list()) ids.push(scheduleId);
  return ids;
}

async function listWorkers(
  connection: Connection,
  namespace: string,
  queues: string[],
): Promise<Record<string, string[]>> {
  const since = Date.now() - recentMs;
  const found = queues.map(async (queue) => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType: queueTypes.activity,
    });
    const recent = (pollers ?? []).filter(
      ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since,
    );
    const identities = [...new Set(recent.map(({ identity }) => identity ?? '?'))];
    return [queue, identities] satisfies [string, string[]];
  });
  return Object.fromEntries(await Promise.all(found));
}
