import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ignoreAbsent } from '../../../../transport/durable-file.ts';
import { endpointSchema, pathsConfigSchema, type Endpoint, type PathsConfig } from './config.ts';
import type { PathsState } from './state.ts';

const endpointsSchema = z.record(z.string().regex(/^\d\/\d{1,4}$/), endpointSchema);

/** The keeper's directory. */
export interface KeeperFiles {
  /** The table, if it has changed since the last call. @throws if it cannot be read or is no table. */
  readConfig(): Promise<PathsConfig | undefined>;
  writeState(state: PathsState): Promise<void>;
  /** By `<device>/<number>`. */
  readEndpoints(): Promise<Map<string, Endpoint>>;
  writeEndpoints(endpoints: Map<string, Endpoint>): Promise<void>;
  pskFile(number: number): string;
  /** The key shared with that container, as hexadecimal digits; none if there is no file of it. */
  readPsk(number: number): Promise<string | undefined>;
}

export function openKeeperFiles(directory: string): KeeperFiles {
  const config = join(directory, 'paths.json');
  const endpoints = join(directory, 'endpoints.json');
  const pskFile = (number: number) => join(directory, 'psk', String(number));
  let read = '';
  return {
    async readConfig() {
      const { mtimeMs, ino, size } = await stat(config);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version === read) return undefined;
      // What is no table is complained of once.
      read = version;
      return pathsConfigSchema.parse(JSON.parse(await readFile(config, 'utf8')));
    },
    writeState: (state) => replace(join(directory, 'paths-state.json'), state),
    async readEndpoints() {
      try {
        const entries = endpointsSchema.parse(JSON.parse(await readFile(endpoints, 'utf8')));
        return new Map(Object.entries(entries));
      } catch {
        // They only make a start faster.
        return new Map();
      }
    },
    writeEndpoints: (entries) => replace(endpoints, Object.fromEntries(entries)),
    pskFile,
    async readPsk(number) {
      const text = await ignoreAbsent(readFile(pskFile(number), 'utf8'));
      return text === undefined ? undefined : Buffer.from(text, 'base64').toString('hex');
    },
  };
}

/** Readers see the old or the new one. It is not forced to the disk: after a crash it is written anew anyway. */
async function replace(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value), { mode: 0o644 });
  await rename(`${path}.new`, path);
}
