import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure, parseInput } from '../domain/failure.ts';
import type { DatabaseSettings } from '../store/database.ts';
import { readSecretFile } from './secret-file.ts';

const passwordFile = 'MVC_POSTGRES_PASSWORD_FILE';

/** Whether the environment names a database other than that of `mvc up`. */
export function namesDatabase(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env['MVC_POSTGRES_URL'] || env['PGHOST']);
}

/** What an address may say, whether as a URL or as PostgreSQL's own variables. */
const addressSchema = z.object({
  host: z.string().min(1),
  port: z.coerce.number().int().min(1).max(65_535),
  user: z.string().min(1),
  database: z.string().min(1),
  sslmode: z.enum(['disable', 'require', 'verify-ca', 'verify-full'], {
    error: 'must be disable or verify-full',
  }),
  sslrootcert: z.string().optional(),
});

/**
 * The database that the environment names: MVC_POSTGRES_URL, or PGHOST and the other variables of
 * PostgreSQL. The password is in the file that MVC_POSTGRES_PASSWORD_FILE names (or in PGPASSWORD).
 * TLS, where it is asked for, always verifies the server, whatever weaker mode is named.
 *
 * @throws {Failure} BadInput for a URL that holds a password, and for what cannot be read.
 */
export async function databaseFromEnvironment(
  env: NodeJS.ProcessEnv = process.env,
): Promise<DatabaseSettings> {
  const url = env['MVC_POSTGRES_URL'];
  const given = url ? readUrl(url) : readVariables(env);
  const { sslmode, sslrootcert, ...address } = parseInput(
    addressSchema,
    given,
    'the address of the database',
  );
  const file = env[passwordFile];
  const password = file ? await readSecretFile(passwordFile, file) : (env['PGPASSWORD'] ?? '');
  if (sslmode === 'disable') return { ...address, password };
  const ssl = sslrootcert ? { ca: await readAuthority(sslrootcert) } : {};
  return { ...address, password, ssl };
}

/** Never quotes the URL: a malformed one may hold a password. */
function readUrl(text: string): Record<string, unknown> {
  const url = URL.parse(text);
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new Failure('BadInput', 'MVC_POSTGRES_URL is not a URL of PostgreSQL', {
      help: 'write it as postgres://user@host:5432/database?sslmode=verify-full',
    });
  }
  if (url.password !== '') {
    throw new Failure('BadInput', 'MVC_POSTGRES_URL holds a password', {
      help: `take it out, change it, and put the new one into a file that ${passwordFile} names`,
    });
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || 5432,
    user: decodeURIComponent(url.username) || 'mvc',
    database: decodeURIComponent(url.pathname.slice(1)) || 'mvc',
    sslmode: url.searchParams.get('sslmode') ?? 'disable',
    sslrootcert: url.searchParams.get('sslrootcert') ?? undefined,
  };
}

function readVariables(env: NodeJS.ProcessEnv): Record<string, unknown> {
  return {
    host: env['PGHOST'],
    port: env['PGPORT'] || 5432,
    user: env['PGUSER'] || 'mvc',
    database: env['PGDATABASE'] || 'mvc',
    sslmode: env['PGSSLMODE'] || 'disable',
    sslrootcert: env['PGSSLROOTCERT'] || undefined,
  };
}

async function readAuthority(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure('BadInput', `the certificate file ${file} cannot be read`, {
      help: 'sslrootcert (or PGSSLROOTCERT) must name the authority of the database server',
      cause: error,
    });
  }
}
