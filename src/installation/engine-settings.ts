import { access } from 'node:fs/promises';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { Failure } from '../domain/failure.ts';
import { readSecretFile } from './secret-file.ts';

/** How to reach the workflow engine; `connection` goes to a client's or worker's `connect`. */
export interface TemporalSettings {
  address: string;
  namespace: string;
  connection: Pick<NativeConnectionOptions, 'tls' | 'metadata'> & {
    address: string;
    apiKey?: string;
  };
}

const apiKeyFile = 'MVC_TEMPORAL_API_KEY_FILE';

/** Whether the environment names an engine other than that of `mvc up`. */
export function namesEngine(env: NodeJS.ProcessEnv): boolean {
  return ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].some(
    (name) => (env[name] ?? '') !== '',
  );
}

/**
 * The engine that the environment names, by the variables and profiles that all of Temporal's tools
 * read. Beyond those, MVC_TEMPORAL_API_KEY_FILE names a file with the API key.
 *
 * @throws {Failure} BadInput if the profile, or a file that it names, is missing or incomplete.
 */
export async function engineFromEnvironment(
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalSettings> {
  const { loadClientConfigProfile, toClientOptions } = await import('@temporalio/envconfig');
  await requireConfigFile(env);
  const overrideEnvVars = present(env);
  // An address alone means that one: a default profile of the user's would add its keys to it.
  const disableFile = !env['TEMPORAL_PROFILE'] && !env['TEMPORAL_CONFIG_FILE'];
  const profile = readOrFail(env, () => loadClientConfigProfile({ overrideEnvVars, disableFile }));
  if ((profile.tls?.clientCert === undefined) !== (profile.tls?.clientKey === undefined)) {
    const [given, missing] = profile.tls?.clientCert
      ? ['certificate', 'its key']
      : ['key', 'its certificate'];
    throw new Failure('BadInput', `${nameOf(env)} names a client ${given} without ${missing}`, {
      help: 'name both: client_cert_path and client_key_path, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
    });
  }
  const file = env[apiKeyFile];
  if (file) profile.apiKey = await readSecretFile(apiKeyFile, file);
  const { connectionOptions, namespace } = readOrFail(env, () => toClientOptions(profile));
  const { tls, metadata, apiKey } = connectionOptions;
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  return {
    address,
    namespace: namespace ?? 'default',
    connection: {
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
    },
  };
}

/** Left alone, a file that is named and missing would count as an empty one. */
async function requireConfigFile(env: NodeJS.ProcessEnv): Promise<void> {
  const file = env['TEMPORAL_CONFIG_FILE'];
  if (!file) return;
  try {
    await access(file);
  } catch (error) {
    throw new Failure('BadInput', `the file ${file} cannot be read`, {
      help: 'TEMPORAL_CONFIG_FILE must name a file with Temporal profiles that you may read',
      cause: error,
    });
  }
}

function readOrFail<T>(env: NodeJS.ProcessEnv, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A parser's message quotes the line it stumbled over, which may hold the API key.
    const notReadable = error instanceof TypeError || message.startsWith('Invalid TOML');
    const reason = notReadable ? 'the file of profiles is not as it should be' : message;
    throw new Failure('BadInput', `${nameOf(env)} cannot be used: ${reason}`, {
      help: 'check TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and the files that the profile names',
    });
  }
}

function nameOf(env: NodeJS.ProcessEnv): string {
  const profile = env['TEMPORAL_PROFILE'];
  return profile ? `the Temporal profile "${profile}"` : 'the Temporal settings';
}

/** An empty variable, as an environment file easily has it, is none. */
function present(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  );
  return Object.fromEntries(entries);
}
