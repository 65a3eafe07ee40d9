import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { readIfPresent, writeAtomically } from './files.ts';
import type { Home } from './home.ts';
import { isAlive, processIdSchema } from './process-id.ts';

export const serviceNames = ['postgres', 'temporal', 'control-worker', 'site-worker'] as const;
export type ServiceName = (typeof serviceNames)[number];

export const portsSchema = z.object({
  temporal: z.number().int(),
  ui: z.number().int(),
  postgres: z.number().int(),
});
export type Ports = z.infer<typeof portsSchema>;

/**
 * - `waiting`: for the services that it needs
 * - `starting`: its process runs but does not answer yet
 * - `failed`: it ended or could not be started, and will be tried again
 */
const serviceStates = ['waiting', 'starting', 'running', 'failed', 'stopping', 'stopped'] as const;
export type ServiceState = (typeof serviceStates)[number];

const serviceRecordSchema = z.object({
  name: z.enum(serviceNames),
  state: z.enum(serviceStates),
  process: processIdSchema.optional(),
  port: z.number().int().optional(),
  /** Milliseconds since 1970. */
  startedAt: z.number().optional(),
  restarts: z.number().int(),
  /** Starts in a row that came to nothing. */
  failures: z.number().int(),
  lastError: z.string().optional(),
  logFile: z.string(),
});
export type ServiceRecord = z.infer<typeof serviceRecordSchema>;

const servicesStateSchema = z.object({
  installation: z.string(),
  supervisor: processIdSchema,
  startedAt: z.number(),
  ports: portsSchema,
  services: z.array(serviceRecordSchema),
});
export type ServicesState = z.infer<typeof servicesStateSchema>;

/** What the supervisor wrote last; undefined if nothing was ever started, or all was stopped. */
export async function readServicesState(home: Home): Promise<ServicesState | undefined> {
  const text = await readIfPresent(home.servicesFile);
  if (text === undefined) return undefined;
  const result = servicesStateSchema.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw new Failure('Protocol', `${home.servicesFile} was written by another version`, {
    help: 'run `mvc down` of the version that started the services, or remove the file',
  });
}

export async function writeServicesState(home: Home, state: ServicesState): Promise<void> {
  await writeAtomically(home.servicesFile, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** The state, if the supervisor that wrote it still lives. */
export async function readLiveState(home: Home): Promise<ServicesState | undefined> {
  const state = await readServicesState(home);
  return state && (await isAlive(state.supervisor)) ? state : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
