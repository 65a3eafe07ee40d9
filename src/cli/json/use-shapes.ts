import { z } from 'zod';
import type { ConsoleText } from '../../domain/results.ts';
import { clusterPathsSchema } from '../../domain/overlay.ts';
import { topologySchema } from '../../domain/topology.ts';
import { clusterUserSchema } from '../../domain/users.ts';
import type { Examined } from '../doctor/check.ts';

/** What commands about the use and the health of things print. */
export const user = clusterUserSchema;
export const users = z.array(clusterUserSchema);
export const topology = topologySchema.extend(clusterPathsSchema.shape);
/** One line each, as the worker wrote it. */
export const logEntry = z.looseObject({
  level: z.string(),
  time: z.iso.datetime(),
  worker: z.string().exactOptional(),
  cluster: z.string().exactOptional(),
  site: z.string().exactOptional(),
  step: z.string().exactOptional(),
  attempt: z.int().exactOptional(),
  durationMs: z.number().exactOptional(),
  error: z.string().exactOptional(),
  msg: z.string(),
});

export const consoleText: z.ZodType<ConsoleText> = z.strictObject({
  site: z.string(),
  container: z.string(),
  text: z.string().describe('as the VM wrote it, control characters included'),
});

const examined: z.ZodType<Examined> = z.strictObject({
  check: z.string(),
  findings: z.array(
    z.strictObject({
      verdict: z.enum(['ok', 'warn', 'fail']),
      subject: z.string(),
      message: z.string(),
      help: z.string().exactOptional().describe('what to do, unless all is well'),
    }),
  ),
});

export const doctor = z.strictObject({
  healthy: z.boolean().describe('nothing failed; otherwise exit code 1'),
  checks: z.array(examined),
});
