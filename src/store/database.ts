import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import { DatabaseError, Pool } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { Schema } from './schema.ts';

/** Where the database is. Fields, never a URL: a malformed URL is printed with its password. */
export interface DatabaseSettings {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Over TLS, the server verified: by this authority, else by the system's. */
  ssl?: { ca?: string };
}

export type Database = Kysely<Schema>;

/** Every wait has an end. Milliseconds. */
const timeouts = {
  connectionTimeoutMillis: 5_000,
  statement_timeout: 15_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 30_000,
  query_timeout: 20_000,
};

export interface DatabaseOptions {
  /** Connections at most; a worker needs few. */
  max?: number;
  /** Longest statement, ms; migrations may take longer than queries. */
  statementTimeoutMs?: number;
  /** Told when a connection breaks; the pool opens another one for the next query. */
  onConnectionLost?: (message: string) => void;
}

/**
 * Opens a pool of connections; the first one is made by the first query. Whoever opens it closes it
 * with `closeDatabase`.
 */
export function openDatabase(settings: DatabaseSettings, options: DatabaseOptions = {}): Database {
  const onLost = options.onConnectionLost ?? ((message) => process.emitWarning(message));
  const statement = options.statementTimeoutMs ?? timeouts.statement_timeout;
  const pool = new Pool({
    ...settings,
    ...timeouts,
    statement_timeout: statement,
    query_timeout: statement + 5_000,
    max: options.max ?? 5,
    keepAlive: true,
    application_name: 'mvc',
  });
  // Each client tells for itself, idle or in use; unheard, an error would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) =>
    client.on('error', (error) => {
      // Only the message is passed on: the error object holds the whole client with its secrets.
      if (!pool.ending) onLost(`a database connection was lost: ${error.message}`);
    }),
  );
  return new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: withReadableErrors(pool, settings) }),
  });
}

/** Closes the pool after the queries that run. */
export async function closeDatabase(db: Database): Promise<void> {
  await db.destroy();
}

function withReadableErrors(pool: Pool, settings: DatabaseSettings): PostgresPool {
  return {
    options: pool.options,
    connect: async () => {
      try {
        return await pool.connect();
      } catch (error) {
        throw connectFailure(error, settings);
      }
    },
    end: () => pool.end(),
  };
}

/** SQLSTATEs of a server that answers and refuses: another attempt meets the same refusal. */
const refusals = new Set(['28P01', '28000', '3D000', '42501']);

function connectFailure(error: unknown, settings: DatabaseSettings): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof DatabaseError ? error.code : undefined;
  const where = `${settings.host}:${settings.port}`;
  if (code !== undefined && refusals.has(code)) {
    return new Failure('AccessDenied', `PostgreSQL at ${where} refuses us: ${message}`, {
      help: 'check user, password and database name in the settings',
    });
  }
  return new Failure('Unreachable', `PostgreSQL at ${where} does not answer: ${message}`, {
    help: 'start it with `mvc up`, or check host and port in the settings',
  });
}
