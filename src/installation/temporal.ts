import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { searchAttributes } from '../domain/engine-names.ts';
import { Failure } from '../domain/failure.ts';
import { checkGrpcHealth } from './grpc-health.ts';
import { programRoot, type Home } from './home.ts';
import type { Service } from './service.ts';

const run = promisify(execFile);

/** How long finished runs stay readable in the engine. */
const retention = '720h';

export function temporalService(options: {
  home: Home;
  port: number;
  uiPort: number;
  env: NodeJS.ProcessEnv;
}): Service {
  const { home, port, uiPort, env } = options;
  return {
    name: 'temporal',
    title: 'Temporal',
    needs: [],
    port,
    prepare: async () => {
      const temporal = await findTemporal(env);
      return { argv: [temporal, ...serverArguments(home, port, uiPort)], env };
    },
    checkHealth: () =>
      checkGrpcHealth('127.0.0.1', port, 'temporal.api.workflowservice.v1.WorkflowService'),
    setUp: async () => {
      const temporal = await findTemporal(env);
      await run(
        temporal,
        // prettier-ignore
        ['operator', 'namespace', 'update', '--namespace', 'default', '--retention', retention,
          '--address', `127.0.0.1:${port}`, '--command-timeout', '10s',
          '--disable-config-file', '--disable-config-env'],
        { env },
      );
    },
    stopSignal: 'SIGTERM',
    stopWithinMs: 15_000,
    hungAfterMs: 60_000,
  };
}

function serverArguments(home: Home, port: number, uiPort: number): string[] {
  const { attention, ...keywords } = searchAttributes;
  const attributes = [
    ...Object.values(keywords).map((name) => `${name}=Keyword`),
    `${attention}=Bool`,
  ];
  // prettier-ignore
  return [
    'server', 'start-dev',
    '--db-filename', join(home.temporalDir, 'temporal.db'),
    '--ip', '127.0.0.1', '--port', String(port),
    '--ui-ip', '127.0.0.1', '--ui-port', String(uiPort),
    '--log-level', 'warn',
    '--disable-config-file', '--disable-config-env',
    ...attributes.flatMap((attribute) => ['--search-attribute', attribute]),
  ];
}

/**
 * The Temporal command: MVC_TEMPORAL, else the one that set-up unpacked, else on PATH.
 *
 * @throws {Failure} MissingTool if there is none.
 */
export async function findTemporal(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env['MVC_TEMPORAL'];
  const onPath = (env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'temporal'));
  const candidates = named ? [named] : [join(programRoot, '.tools', 'temporal'), ...onPath];
  for (const path of candidates) {
    if (await isExecutable(path)) return path;
  }
  throw new Failure('MissingTool', 'the Temporal command `temporal` was not found', {
    help: 'start by ./mvc, which fetches it, or put it on PATH',
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
