import { z } from 'zod';
import type { ImageRef } from '../../domain/image.ts';
import type { InstallationReport } from '../../installation/inspect.ts';
import { natKinds } from '../../lab/plan.ts';
import type { LabReport } from '../../lab/status.ts';
import type { ErrorReport } from '../errors.ts';
import type { Topic } from '../topics.ts';
import type { UiAddresses } from '../ui.ts';

const ports = z.strictObject({ temporal: z.int(), ui: z.int(), postgres: z.int() });

export const servicesUp = z.strictObject({
  healthy: z.literal(true),
  uiUrl: z
    .string()
    .exactOptional()
    .describe("absent for an engine of another's without MVC_UI_URL"),
  ports,
});

export const installation: z.ZodType<InstallationReport> = z.strictObject({
  home: z.string(),
  installation: z.string(),
  healthy: z.boolean().describe('all services run and answer; otherwise exit code 1'),
  uiUrl: z.string().exactOptional(),
  services: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['waiting', 'starting', 'running', 'failed', 'stopping', 'stopped']),
      healthy: z.boolean(),
      pid: z.int().exactOptional(),
      port: z.int().exactOptional(),
      uptimeSeconds: z.number().exactOptional(),
      restarts: z.int(),
      residentBytes: z.number().exactOptional(),
      problem: z.string().exactOptional(),
      logFile: z.string().exactOptional(),
      metricsUrl: z.string().exactOptional().describe('where a worker answers Prometheus'),
    }),
  ),
});

export const uiAddresses: z.ZodType<UiAddresses> = z.strictObject({
  running: z.string().describe('the list of what runs on any cluster'),
  parked: z.string().describe('the list of what waits for a person'),
  operations: z.string().describe('the list of all operations, ended ones too'),
  saveParked: z.string().describe('as parked; the browser that opens it keeps the view'),
  operation: z.string().exactOptional().describe('of a cluster that was named: its last operation'),
});

export const image: z.ZodType<ImageRef> = z.strictObject({
  digest: z.string(),
  size: z.int().describe('bytes'),
  path: z.string(),
});

export const lab: z.ZodType<LabReport> = z.strictObject({
  home: z.string(),
  id: z.string(),
  rttMs: z.number(),
  complete: z.boolean(),
  sites: z.array(
    z.strictObject({
      name: z.string(),
      publicAddress: z.string(),
      nat: z.enum(natKinds).describe('what its gateway lets in, and how it translates'),
      door: z.string().describe('where its sshd is offered on this machine'),
      file: z.string(),
      keyFile: z.string(),
      connected: z.boolean(),
      machines: z.array(
        z.strictObject({
          name: z.string(),
          address: z.string(),
          running: z.boolean(),
          pid: z.int().exactOptional(),
        }),
      ),
    }),
  ),
  siteFiles: z.array(z.string()).describe('for `mvc site add -f`'),
});

export const topicList: z.ZodType<Topic[]> = z.array(
  z.strictObject({ name: z.string(), summary: z.string(), page: z.string() }),
);

export const explanation = z.strictObject({
  code: z.string(),
  exitCode: z.int(),
  retryable: z.boolean(),
  text: z.string().describe('Markdown'),
});

const errorReport: z.ZodType<ErrorReport> = z.strictObject({
  code: z.string().describe('see errors.md'),
  exitCode: z.int(),
  message: z.string(),
  help: z.string().exactOptional().describe('what to do next'),
  host: z.string().exactOptional().describe('where it happened, if it was one host'),
  didYouMean: z.array(z.string()).exactOptional(),
  retryable: z.boolean().describe('the same command may succeed later'),
});

export const error = z.strictObject({ error: errorReport });
