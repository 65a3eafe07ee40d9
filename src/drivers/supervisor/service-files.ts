import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../domain/failure.ts';
import { markSchema, sameMark, type Mark } from '../../domain/mark.ts';
import { writeDurably } from '../../transport/durable-file.ts';
import type { Service } from './supervisor.ts';

const definitionSchema = z.strictObject({
  mark: markSchema.optional(),
  env: z.record(z.string(), z.string()),
  /** Of script and environment: tells whether a service has changed. */
  digest: z.string(),
});
export type ServiceDefinition = z.infer<typeof definitionSchema>;

const definitionFile = 'definition.json';
const namePattern = /^mvc-[a-z0-9][a-z0-9.-]{0,100}$/;
const variablePattern = /^[A-Z][A-Z0-9_]{0,40}$/;
/** What needs no quoting in an environment file of systemd nor in one of runit. */
const valuePattern = /^[A-Za-z0-9 ._:/@+=,-]{0,4096}$/;

/** Directory `<root>/<name>` of each service: its definition, and what its supervisor adds. */
export interface ServiceFiles {
  read(name: string): Promise<ServiceDefinition | undefined>;
  list(prefix: string): Promise<string[]>;
  write(service: Service): Promise<void>;
  path(name: string, file?: string): string;
}

export function createServiceFiles(root: string): ServiceFiles {
  const path = (name: string, file = '') => join(root, name, file);
  return {
    path,
    async read(name) {
      const text = await ignoreAbsent(readFile(path(name, definitionFile), 'utf8'));
      return text === undefined ? undefined : definitionSchema.parse(JSON.parse(text));
    },
    async list(prefix) {
      const names = (await ignoreAbsent(readdir(root))) ?? [];
      return names.filter((name) => name.startsWith(prefix) && namePattern.test(name)).sort();
    },
    async write(service) {
      const { mark, env } = service;
      const definition = { ...(mark ? { mark } : {}), env, digest: digestOf(service) };
      await writeDurably(path(service.name, definitionFile), JSON.stringify(definition));
    },
  };
}

/** Digest of what the service runs. */
export function digestOf(service: Service): string {
  const content = JSON.stringify([service.script, Object.entries(service.env).sort()]);
  return createHash('sha256').update(content).digest('hex');
}

/** @throws {Failure} Conflict, or BadInput for values that could be read as something else. */
export function checkService(service: Service, found: ServiceDefinition | undefined): void {
  if (!namePattern.test(service.name)) {
    throw new Failure('BadInput', `${JSON.stringify(service.name)} is not a service name`);
  }
  for (const [variable, value] of Object.entries(service.env)) {
    if (!variablePattern.test(variable) || !valuePattern.test(value)) {
      // The value may be a secret: it is not shown.
      throw new Failure(
        'BadInput',
        `the value of ${variable} of ${service.name} is not plain text`,
      );
    }
  }
  if (found && !marksAgree(found.mark, service.mark)) {
    throw new Failure('Conflict', `the service ${service.name} belongs to somebody else`, {
      help: 'another installation of the controller made it; remove it there first',
    });
  }
}

function marksAgree(a: Mark | undefined, b: Mark | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameMark(a, b);
}

export async function ignoreAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
