import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

/** A run's history as JSON. */
export interface RecordedRun {
  workflowId: string;
  history: { events: Record<string, unknown>[] };
}

const directory = import.meta.dirname;

/** Scenario → its runs: the cluster's and those of its sites. */
export async function readHistories(): Promise<Map<string, RecordedRun[]>> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.json')).toSorted();
  const read = async (file: string): Promise<[string, RecordedRun[]]> => [
    file.replace(/\.json$/, ''),
    JSON.parse(await readFile(join(directory, file), 'utf8')) as RecordedRun[],
  ];
  return new Map(await Promise.all(files.map(read)));
}

/** One event per line, so that a difference can be read. */
export async function writeHistories(scenario: string, runs: RecordedRun[]): Promise<void> {
  const texts = runs.map(({ workflowId, history }) => {
    const events = history.events.map((event) => JSON.stringify(event)).join(',\n');
    return `{"workflowId":${JSON.stringify(workflowId)},"history":{"events":[\n${events}\n]}}`;
  });
  await writeFile(join(directory, `${scenario}.json`), `[\n${texts.join(',\n')}\n]\n`);
}

/** The history as it is kept: without names of this machine, its processes and its files. */
export function recordedRun(workflowId: string, history: History): RecordedRun {
  const plain = History.toObject(History.create(history), {
    longs: String,
    enums: String,
    bytes: String,
  });
  return scrub({ workflowId, history: plain }) as RecordedRun;
}

/** As a worker replays it. */
export function replayable({ workflowId, history }: RecordedRun) {
  return { workflowId, history: History.fromObject(history) };
}

function scrub(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrub);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).map(([key, each]) => {
    if (key === 'identity' && typeof each === 'string') return [key, 'worker'];
    if (key === 'stackTrace') return [key, ''];
    return [key, scrub(each)];
  });
  const copy = Object.fromEntries(kept) as Record<string, unknown>;
  // A sticky queue is named after the process that it belongs to.
  if (copy['kind'] === 'TASK_QUEUE_KIND_STICKY') copy['name'] = 'sticky';
  return copy;
}

/** All text of a history, payloads decoded: what a search for something foreign to it looks through. */
export function readableText(value: unknown): string {
  if (Array.isArray(value)) return value.map(readableText).join('\n');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([key, each]) =>
        key === 'data' && typeof each === 'string'
          ? Buffer.from(each, 'base64').toString('utf8')
          : readableText(each),
      )
      .join('\n');
  }
  return String(value);
}
