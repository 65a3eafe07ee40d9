import { createHash } from 'node:crypto';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../domain/failure.ts';
import { markSchema, sameMark, type Mark } from '../../domain/mark.ts';
import { ignoreAbsent, writeDurably } from '../../transport/durable-file.ts';
import type { Service } from './supervisor.ts';

const definitionSchema = z.strictObject({
  mark: markSchema.optional(),
  env: z.record(z.string(), z.string()),
  /** Of all that the service runs; absent while its files are being written. */
  digest: z.string().optional(),
});
export type ServiceDefinition = z.infer<typeof definitionSchema>;

const definitionFile = 'definition.json';
const namePattern = /^mvc-[a-z0-9][a-z0-9.-]{0,100}$/;
const variablePattern = /^[A-Z][A-Z0-9_]{0,40}$/;
/** What needs no quoting in an environment file of systemd nor in one of runit. */
const valuePattern = /^[A-Za-z0-9._:/@+=,-](?:[A-Za-z0-9 ._:/@+=,-]{0,4094}[A-Za-z0-9._:/@+=,-])?$/;

/** The directories `<root>/<name>` of services: what each runs, and whose it is. */
export interface ServiceFiles {
  path(name: string, file?: string): string;
  read(name: string): Promise<ServiceDefinition | undefined>;
  /** Names of those that were begun, whole or not. */
  list(prefix: string): Promise<string[]>;
  /** Notes whose it is, before anything of it is there. */
  begin(service: Service): Promise<void>;
  /** Writes the script and its files. */
  fill(service: Service): Promise<void>;
  /** Notes that it runs what was written. */
  commit(service: Service): Promise<void>;
  remove(name: string): Promise<void>;
}

export function createServiceFiles(root: string): ServiceFiles {
  const path = (name: string, file = '') => join(root, name, file);
  const define = ({ name, mark, env }: Service, digest?: string) =>
    writeDurably(
      path(name, definitionFile),
      JSON.stringify({ ...(mark ? { mark } : {}), env, ...(digest ? { digest } : {}) }),
    );
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
    begin: (service) => define(service),
    async fill({ name, script, files }) {
      await Promise.all([
        writeDurably(path(name, 'script'), script, 0o700),
        ...Object.entries(files ?? {}).map(([file, content]) =>
          writeDurably(path(name, file), content),
        ),
      ]);
    },
    commit: (service) => define(service, digestOf(service)),
    remove: (name) => rm(path(name), { recursive: true, force: true }),
  };
}

/** Digest of what the service runs. */
export function digestOf({ script, env, files }: Service): string {
  const content = [script, Object.entries(env).sort(), Object.entries(files ?? {}).sort()];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** @throws {Failure} Conflict, or BadInput for values that could be read as something else. */
export function checkService(service: Service, found: ServiceDefinition | undefined): void {
  if (!namePattern.test(service.name)) {
    throw new Failure('BadInput', `${JSON.stringify(service.name)} is not a service name`);
  }
  for (const [variable, value] of Object.entries(service.env)) {
    if (!variablePattern.test(variable) || !valuePattern.test(value)) {
      // The value may be a secret: it is not shown.
      throw new Failure('BadInput', `${variable} of ${service.name} is not plain text`);
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
