import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { formatDuration } from './output.ts';

/** Numbers of pino's levels, as lines of earlier releases have them. */
const levelNames: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }; // prettier-ignore

const entrySchema = z.looseObject({
  level: z.union([z.string(), z.number().transform((level) => levelNames[level] ?? 'info')]),
  /** ISO 8601. */
  time: z.iso.datetime(),
  worker: z.string().optional(),
  cluster: z.string().optional(),
  site: z.string().optional(),
  step: z.string().optional(),
  attempt: z.number().optional(),
  durationMs: z.number().optional(),
  error: z.unknown().optional(),
  help: z.string().optional(),
  msg: z.string().default(''),
});

/** A line that a worker logged. */
export type LogEntry = z.infer<typeof entrySchema>;

export interface LogFilter {
  cluster?: string;
  site?: string;
  step?: string;
  /** Milliseconds since 1970. */
  since?: number;
}

/** The entry of a line; undefined for what is none, such as a word of the runtime itself. */
export function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

export function isWanted(entry: LogEntry, { cluster, site, step, since }: LogFilter): boolean {
  return (
    (cluster === undefined || entry.cluster === cluster) &&
    (site === undefined || entry.site === site) &&
    (step === undefined || entry.step === step) &&
    (since === undefined || Date.parse(entry.time) >= since)
  );
}

/** An entry as one line for people, in local time: when, how bad, where, what, how long, why. */
export function entryLine(entry: LogEntry): string {
  const { time, level, site, step, msg, attempt, durationMs } = entry;
  const where = [site, step].filter(Boolean).join(' ') || '-';
  const detail = [
    ...(durationMs === undefined ? [] : [formatDuration(durationMs)]),
    ...(attempt === undefined || attempt <= 1 ? [] : [`attempt ${attempt}`]),
  ];
  const why = [textOf(entry.error), entry.help].filter(Boolean).join('; ');
  return [
    localTime(new Date(time)),
    level.toUpperCase().padEnd(5),
    where.padEnd(18),
    `${msg}${detail.length > 0 ? ` (${detail.join(', ')})` : ''}${why === '' ? '' : `: ${why}`}`,
  ].join('  ');
}

/**
 * A moment, as it is named on the command line: `30s`, `10m`, `2h`, `3d` before now, or a date with or
 * without a time.
 *
 * @throws {Failure} BadInput.
 */
export function parseSince(text: string, now: number): number {
  const ago = /^(\d+)\s*([smhd])$/.exec(text.trim());
  const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  if (ago) return now - Number(ago[1]) * (units[ago[2] ?? ''] ?? 0);
  const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new Failure('BadInput', `${JSON.stringify(text)} is no moment`, {
    help: 'say how long ago (30s, 10m, 2h, 3d), or when (2026-11-25, 2026-11-25T20:15)',
  });
}

function textOf(error: unknown): string {
  if (error === undefined || error === null) return '';
  if (typeof error === 'string') return error;
  const { message } = error as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(error);
}

function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
