import { Command } from 'commander';
import type { Condition } from '../domain/cluster.ts';
import type { ClusterRecord } from '../store/clusters.ts';
import { withStore } from './context.ts';
import { printJson, printLine, printLines, shorten, tableLines } from './output.ts';

/** `mvc list` */
export function listCommand(): Command {
  return new Command('list')
    .description('list the clusters')
    .addHelpText('after', '\nExample:\n  mvc list --json\n')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const clusters = await withStore(async (db) =>
        (await import('../store/clusters.ts')).listClusters(db),
      );
      if (options.json) return printJson(clusters);
      if (clusters.length === 0)
        return printLine('no clusters; `mvc create --help` tells how to build one');
      printLines(listLines(clusters));
    });
}

type Listed = Pick<ClusterRecord, 'name' | 'phase' | 'spec' | 'network' | 'conditions'>;

export function listLines(clusters: Listed[]): string[] {
  return tableLines(
    ['CLUSTER', 'PHASE', 'ORIGIN', 'SITES', 'COMPUTES', 'NETWORK', 'ATTENTION'],
    clusters.map(({ name, phase, spec, network, conditions }) => [
      name,
      phase,
      spec.origin,
      spec.sites.map((site) => site.name).join(', '),
      String(spec.sites.reduce((sum, site) => sum + site.computes, 0)),
      network,
      attention(conditions),
    ]),
  );
}

/** Short: `mvc status` has the whole. */
function attention(conditions: Condition[]): string {
  const amiss = (type: Condition['type']) =>
    conditions.find((each) => each.type === type && each.status);
  const found = amiss('Attention') ?? amiss('Drift');
  return found ? shorten(found.message, 70) : '-';
}
