import type { OperationResult } from '../domain/results.ts';
import type { VerifyReport } from '../domain/cluster.ts';
import type { ClusterProgress } from '../domain/progress.ts';
import { formatDuration, tableLines } from './output.ts';
import { nextCommand, parkedSentence, parkedSteps } from './parked.ts';

/** How an operation ended, for a person. @param tookMs how long it was watched. */
export function resultLines(result: OperationResult, tookMs: number): string[] {
  const name = result.cluster;
  const took = `(watched for ${formatDuration(tookMs)})`;
  if (result.phase === 'destroyed') return destroyLines(name, result.emptySites, result.left);
  if (!('report' in result)) {
    const findings = (result.findings ?? []).map((finding) => `  ${finding.message}`);
    return [
      ...(findings.length === 0 ? [] : ['found amiss:', ...findings]),
      result.summary,
      `cluster ${name} is ${result.phase} ${took}`,
      ...(result.phase === 'stopped' ? [`next: mvc start ${name}`] : []),
    ];
  }
  if (result.alreadyReady) return [`cluster ${name} is ready already; nothing was changed`];
  return [
    ...reportLines(result.report),
    `cluster ${name} is ready ${took}`,
    `next: mvc ssh ${name} -- sinfo`,
  ];
}

function destroyLines(name: string, emptySites: string[], left: string[]): string[] {
  const empty = emptySites.length === 0 ? '' : `; nothing is left at ${emptySites.join(', ')}`;
  if (left.length === 0) return [`cluster ${name} is destroyed${empty}`];
  return [
    `cluster ${name} is destroyed${empty}`,
    'what may be left, because it was left out:',
    ...left.map((each) => `  ${each}`),
    'next: `mvc sweep` shows and removes it once the site answers',
  ];
}

/** The proof of a build, as a person would have seen it. */
function reportLines(report: VerifyReport): string[] {
  const { ranks, nodes, interface: device, sum } = report.mpi;
  return [
    '',
    ...report.transcript.trimEnd().split('\n'),
    '',
    ...tableLines(
      ['FROM', 'TO', 'ROUND TRIP'],
      report.rtt.map(({ from, to, ms }) => [from, to, `${ms.toFixed(1)} ms`]),
    ),
    `MPI: ${ranks} ranks on ${nodes.join(', ')} over ${device}, sum ${sum}; MTU ${report.mtu}`,
    ...(report.busy?.length
      ? [`not in the proof, all of their cores are taken by jobs: ${report.busy.join(', ')}`]
      : []),
  ];
}

/** An operation of which nothing goes on: every parked step as a sentence, and what to do. */
export function parkedSummary(progress: ClusterProgress, now: number): string[] {
  const { cluster, operation, steps } = progress;
  return [
    `the ${operation} of cluster ${cluster} waits: what is left of it is parked`,
    ...parkedSteps(steps).map((parked) => `  ‖ ${parkedSentence(parked, now)}`),
    nextCommand(operation, cluster),
  ];
}
