import { Failure } from '../domain/failure.ts';
import { postgresSettings, temporalSettings } from '../installation/settings.ts';
import { mvcHome } from '../installation/home.ts';
import type { MvcClient } from '../client/mvc-client.ts';
import type { Database } from '../store/database.ts';

/**
 * What commands need of the installation, opened only when used: a command loads no more than it
 * needs, so that `mvc --help` stays quick.
 */
export async function withClient<T>(use: (client: MvcClient) => Promise<T>): Promise<T> {
  const temporal = await temporalSettings(mvcHome());
  const { MvcClient } = await import('../client/mvc-client.ts');
  const client = await MvcClient.connect({
    connection: temporal.connection,
    namespace: temporal.namespace,
  }).catch(async (error: unknown) => {
    if (!(error instanceof Failure) || error.kind !== 'Unreachable') throw error;
    const { explainEngineTrouble } = await import('../installation/engine-trouble.ts');
    throw await explainEngineTrouble(temporal);
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Read-only use of the store; needs no workflow engine. */
export async function withStore<T>(use: (db: Database) => Promise<T>): Promise<T> {
  const postgres = await postgresSettings(mvcHome());
  const { openDatabase, closeDatabase } = await import('../store/database.ts');
  const db = openDatabase(postgres);
  try {
    return await use(db);
  } finally {
    await closeDatabase(db);
  }
}
