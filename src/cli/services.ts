import { Command, InvalidArgumentError } from 'commander';
import { mvcHome } from '../installation/home.ts';
import type { Ports } from '../installation/services-state.ts';
import { formatDuration, printJson, printLine, printTable } from './output.ts';
import { UiLinks } from './ui-links.ts';

interface UpOptions {
  portTemporal?: number;
  portUi?: number;
  portPostgres?: number;
  json?: boolean;
}

/** `mvc up`: the embedded database, workflow engine and workers. */
export function upCommand(): Command {
  return new Command('up')
    .description(
      'Starts PostgreSQL, Temporal with its web interface and the workers in the background, on ' +
        'loopback only, and keeps them running. All state is in MVC_HOME. Safe to repeat. A server ' +
        'that the environment names (TEMPORAL_ADDRESS or TEMPORAL_PROFILE; MVC_POSTGRES_URL or ' +
        'PGHOST) is used instead of one of our own.',
    )
    .option('--port-temporal <port>', 'port of the workflow engine (usually 7233)', parsePort)
    .option('--port-ui <port>', 'port of its web interface (usually 8233)', parsePort)
    .option('--port-postgres <port>', 'port of the database (usually 5433)', parsePort)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  mvc up\n  MVC_HOME=/srv/mvc mvc up --port-ui 9000\n')
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const { servicesUp } = await import('../installation/up.ts');
  const begin = Date.now();
  const onProgress = options.json ? () => undefined : printLine;
  const state = await servicesUp(mvcHome(), { ports: askedPorts(options), onProgress });
  const { webInterface, webInterfaceSettings } = await import('../installation/settings.ts');
  if (options.json) {
    printJson({ healthy: true, uiUrl: webInterface(state), ports: state.ports });
    return;
  }
  printLine(`All services run (${formatDuration(Date.now() - begin)}).`);
  const ui = await webInterfaceSettings();
  if (ui) printLine(`In the browser (\`mvc ui\` has more): ${new UiLinks(ui).running}`);
}

function askedPorts(options: UpOptions): Partial<Ports> {
  const { portTemporal, portUi, portPostgres } = options;
  return {
    ...(portTemporal === undefined ? {} : { temporal: portTemporal }),
    ...(portUi === undefined ? {} : { ui: portUi }),
    ...(portPostgres === undefined ? {} : { postgres: portPostgres }),
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a number from 1 to 65535');
}

/** `mvc down` */
export function downCommand(): Command {
  return new Command('down')
    .description(
      'Stops the workers, the workflow engine and the database, in this order. Nothing is lost: ' +
        'builds go on after the next `mvc up`. Clusters keep running meanwhile.',
    )
    .addHelpText('after', '\nExample:\n  mvc down\n')
    .action(down);
}

async function down(): Promise<void> {
  const { servicesDown } = await import('../installation/down.ts');
  const begin = Date.now();
  const wasRunning = await servicesDown(mvcHome(), { onProgress: printLine });
  printLine(
    wasRunning ? `All stopped (${formatDuration(Date.now() - begin)}).` : 'Nothing was running.',
  );
}

/**
 * `mvc status` without a name: how the services of this installation are.
 *
 * @returns the exit code: 0 if all are healthy.
 */
export async function servicesStatus(options: { json?: boolean } = {}): Promise<number> {
  const { inspectServices } = await import('../installation/inspect.ts');
  const report = await inspectServices(mvcHome());
  if (options.json) {
    printJson(report);
    return report.healthy ? 0 : 1;
  }
  if (report.services.length === 0) {
    printLine(
      `The services are not running (state in ${report.home}). Start them with \`mvc up\`.`,
    );
    return 1;
  }
  printTable(
    ['SERVICE', 'STATE', 'HEALTH', 'PID', 'PORT', 'UPTIME', 'RESTARTS', 'MEMORY'],
    report.services.map((one) => [
      one.name,
      one.state,
      one.healthy ? 'good' : 'bad',
      String(one.pid ?? '-'),
      String(one.port ?? '-'),
      one.uptimeSeconds === undefined ? '-' : formatDuration(one.uptimeSeconds * 1000),
      String(one.restarts),
      one.residentBytes === undefined ? '-' : `${Math.round(one.residentBytes / 1024 ** 2)} MiB`,
    ]),
  );
  for (const one of report.services.filter(({ problem }) => problem !== undefined)) {
    printLine(`${one.name}: ${one.problem}${one.logFile ? ` (log: ${one.logFile})` : ''}`);
  }
  const metrics = report.services.flatMap(({ metricsUrl }) => metricsUrl ?? []);
  if (metrics.length > 0) printLine(`Metrics for Prometheus: ${metrics.join(', ')}`);
  const where = report.uiUrl === undefined ? '' : ` Web interface: ${report.uiUrl}`;
  printLine(`State in ${report.home}.${where}`);
  return report.healthy ? 0 : 1;
}
