import { Command } from 'commander';
import type { ReconcileResult } from '../domain/results.ts';
import { withClient } from './context.ts';
import { printJson, printLines, tableLines } from './output.ts';
import { refuseSilent } from './sweep.ts';

/** `mvc reconcile` */
export function reconcileCommand(): Command {
  return new Command('reconcile')
    .description('say how the database differs from the sites, as after an older one was restored')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nNothing is deleted.\n\nExample:\n  mvc reconcile\n')
    .action(async (options: { json?: boolean }) => {
      const result = await withClient((client) => client.reconcile());
      if (options.json) printJson(result);
      else printLines(reconcileLines(result));
      refuseSilent(result.silent);
    });
}

export function reconcileLines({ clusters, orphans }: ReconcileResult): string[] {
  return [
    ...(clusters.length === 0 ? ['no clusters are recorded'] : clusters.flatMap(clusterLines)),
    ...(orphans.length === 0
      ? ['nothing at the sites carries our mark without a cluster']
      : [
          'at the sites, with our mark, of no recorded cluster:',
          ...tableLines(
            ['SITE', 'HOST', 'KIND', 'NAME', 'CLUSTER'],
            orphans.map((each) => [each.site, each.host, each.kind, each.name, each.cluster]),
          ).map((line) => `  ${line}`),
          'next: `mvc sweep --remove`, if nobody needs them',
        ]),
  ];
}

function clusterLines(each: ReconcileResult['clusters'][number]): string[] {
  const { cluster, findings, epochRaised } = each;
  const raised = epochRaised
    ? [
        `  the sites have seen operation ${epochRaised.to}, the database knew of ${epochRaised.from}: made good`,
      ]
    : [];
  if (findings.length === 0) return [`cluster ${cluster}: as recorded`, ...raised];
  return [
    `cluster ${cluster}: ${findings.length} ${findings.length === 1 ? 'difference' : 'differences'}`,
    ...raised,
    ...findings.map((finding) => `  ${finding.message}`),
    ...(findings.every(({ kind }) => kind === 'mac')
      ? ['  next: ask whoever owns the other domain to give it another MAC, or to remove it']
      : [`  next: mvc repair ${cluster}`]),
  ];
}
