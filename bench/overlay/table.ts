import { cpus } from 'node:os';
import type { Options } from './options.ts';
import { find, ratio, roundTrip, throughput, type ScenarioResult } from './results.ts';

export interface Page {
  options: Options;
  results: ScenarioResult[];
  /** Of the last minute before the first measurement. */
  load: number;
}

/** What the page on benchmarks says, in Markdown. */
export function renderTables({ options, results, load }: Page): string {
  const head = results.map(({ scenario }) => scenario.title);
  const heads = [`| | ${head.join(' | ')} |`, `| --- |${' ---: |'.repeat(head.length)}`];
  return [
    `Medians of ${options.rounds} rounds of ${options.seconds} s each, every round one transfer through every overlay; TCP ${options.tcp}, ${cpus().length} cores, load ${load.toFixed(1)} at the beginning${options.first ? ', the measurement before all else' : ''}.`,
    '',
    'Mbit/s, and percent of the wire in the same round:',
    '',
    ...heads,
    ...options.kinds.map((kind) => row(kind.title, results, (each) => speed(each, kind.name))),
    '',
    'Round-trip time in milliseconds:',
    '',
    ...heads,
    ...options.kinds.map((kind) => row(kind.title, results, (each) => rtt(each, kind.name))),
    ...goals(results),
  ].join('\n');
}

function row(
  title: string,
  results: ScenarioResult[],
  cell: (result: ScenarioResult) => string,
): string {
  return `| ${title} | ${results.map(cell).join(' | ')} |`;
}

function speed(result: ScenarioResult, name: string): string {
  const overlay = find(result, name);
  if (!overlay) return '–';
  const mbit = throughput(overlay).toFixed(0);
  const share = name === 'wire' ? undefined : ratio(result, name, 'wire');
  return share === undefined ? mbit : `${mbit} (${percent(share)})`;
}

function rtt(result: ScenarioResult, name: string): string {
  const overlay = find(result, name);
  return overlay ? roundTrip(overlay).toFixed(2) : '–';
}

/** What is wanted of the overlays at 1 Gbit/s without delay, and whether it is so. */
function goals(results: ScenarioResult[]): string[] {
  const result = results.find(({ scenario }) => scenario.name === '0 ms');
  if (!result) return [];
  const n2n = Math.max(
    ...['n2n-direct', 'n2n-relayed'].map((name) => ratio(result, name, 'routed') ?? Number.NaN),
  );
  const [routed, vxlan] = [ratio(result, 'routed', 'wire'), ratio(result, 'vxlan', 'wire')];
  if (routed === undefined || vxlan === undefined || Number.isNaN(n2n)) return [];
  const line = (what: string, wanted: string, seen: string, met: boolean) =>
    `| ${what} | ${wanted} | ${seen} | ${met ? 'yes' : 'no'} |`;
  const times = 1 / n2n;
  return [
    '',
    '| at 1 Gbit/s without delay | goal | measured | reached |',
    '| --- | ---: | ---: | --- |',
    line('routed ÷ wire', '≥ 93 %', percent(routed), routed >= 0.93),
    line('VXLAN in clear ÷ wire', '≥ 92 %', percent(vxlan), vxlan >= 0.92),
    line('routed ÷ the best n2n', '≥ 4', times.toFixed(1), times >= 4),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
