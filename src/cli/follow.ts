import type { MvcClient, StartedOperation } from '../client/mvc-client.ts';
import type { VerifyReport } from '../domain/cluster.ts';
import { formatDuration, printJson, printLine, printTable } from './output.ts';
import { ProgressView } from './progress-view.ts';

const interruptedExitCode = 130;

/** Shows the operation that runs on a cluster until its end, then its result. Ctrl-C stops only the watching. */
export async function followOperation(
  client: MvcClient,
  operation: StartedOperation,
  options: { json?: boolean },
): Promise<void> {
  const name = operation.cluster;
  const begun = Date.now();
  await watchToTheEnd(client, operation, options);
  const result = await client.result(operation);
  if (options.json) return printJson(result);
  if (result.phase === 'destroyed') {
    return printLine(
      `cluster ${name} is destroyed: asked ${result.emptySites.join(', ')}, nothing is left there`,
    );
  }
  printReport(result.report);
  printLine(`cluster ${name} is ready (watched for ${formatDuration(Date.now() - begun)})`);
  printLine(`next: mvc ssh ${name} -- sinfo`);
}

async function watchToTheEnd(
  client: MvcClient,
  operation: StartedOperation,
  options: { json?: boolean },
): Promise<void> {
  const name = operation.cluster;
  const view = new ProgressView();
  const stop = () => {
    view.end();
    process.stderr.write(
      `stopped watching; the operation on ${name} goes on (\`mvc watch ${name}\`)\n`,
    );
    process.exit(interruptedExitCode);
  };
  process.once('SIGINT', stop);
  try {
    for await (const progress of client.watch(operation)) if (!options.json) view.show(progress);
  } finally {
    view.end();
    process.removeListener('SIGINT', stop);
  }
}

/** The proof of a build, as a person would have seen it. */
export function printReport(report: VerifyReport): void {
  printLine();
  for (const line of report.transcript.trimEnd().split('\n')) printLine(line);
  printLine();
  printTable(
    ['FROM', 'TO', 'ROUND TRIP'],
    report.rtt.map(({ from, to, ms }) => [from, to, `${ms.toFixed(1)} ms`]),
  );
  printLine(
    `MPI: ${report.mpi.ranks} ranks on ${report.mpi.nodes.join(', ')} over ${report.mpi.interface}, sum ${report.mpi.sum}; MTU ${report.mtu}`,
  );
}
