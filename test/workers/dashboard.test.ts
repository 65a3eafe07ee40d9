import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Database } from '../../src/store/database.ts';
import { createActivityMetrics } from '../../src/workers/metrics/activity-metrics.ts';
import { createSshMetrics } from '../../src/workers/metrics/ssh-metrics.ts';
import { createStoreMetrics } from '../../src/workers/metrics/store-metrics.ts';
import { createRegistry } from '../../src/workers/metrics/worker-metrics.ts';
import { labelsAsked, metricsAsked } from './prom-query.ts';

const root = join(import.meta.dirname, '..', '..');

interface Query {
  where: string;
  expr: string;
}

async function dashboardQueries(): Promise<Query[]> {
  const text = await readFile(join(root, 'dashboards', 'mvc.json'), 'utf8');
  const dashboard = JSON.parse(text) as {
    panels: { title: string; targets?: { expr: string }[] }[];
    templating: { list: { name: string; query: string | { query: string } }[] };
  };
  const variables = dashboard.templating.list.flatMap(({ name, query }) =>
    typeof query === 'string' ? [] : [{ where: `variable ${name}`, expr: query.query }],
  );
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel ${title}`, expr })),
  );
  return [...variables, ...panels];
}

async function alertQueries(): Promise<Query[]> {
  const text = await readFile(join(root, 'dashboards', 'alerts.yaml'), 'utf8');
  const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string }[] }[] };
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
  );
}

/** Metric → its labels: ours as they are declared, the engine library's as two real workers showed them. */
async function knownMetrics(): Promise<Map<string, Set<string>>> {
  const known = new Map<string, Set<string>>();
  const add = (name: string, labels: string[]) => {
    const all = known.get(name) ?? new Set<string>();
    for (const label of labels) all.add(label);
    known.set(name, all);
  };
  const registry = createRegistry('control-worker', 'test');
  createActivityMetrics(registry);
  createSshMetrics(registry);
  createStoreMetrics(registry, undefined as unknown as Database, pino({ level: 'silent' }));
  for (const metric of registry.getMetricsAsArray()) {
    const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] };
    add(name, [...labelNames, 'worker', 'instance', 'job']);
  }
  for (const worker of ['control', 'site']) {
    const path = join(import.meta.dirname, 'recorded', `${worker}-worker.prom`);
    for (const line of (await readFile(path, 'utf8')).split('\n')) {
      const [, name, labels = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
      if (name)
        add(
          name,
          [...labels.matchAll(/(\w+)="/g)].map((label) => label[1] ?? ''),
        );
    }
  }
  return known;
}

let known: Map<string, Set<string>>;
beforeAll(async () => {
  known = await knownMetrics();
});

describe.each([
  ['the dashboard', dashboardQueries, 15],
  ['the alert rules', alertQueries, 10],
])('%s', (_, queries, least) => {
  it('asks for metrics that exist, by labels that they have', async () => {
    const asked = await queries();
    expect(asked.length).toBeGreaterThanOrEqual(least);
    const wrong = asked.flatMap(({ where, expr }) => {
      const metrics = metricsAsked(expr);
      if (metrics.length === 0) return [`${where} asks for nothing: ${expr}`];
      const missing = metrics.filter((name) => !known.has(name));
      if (missing.length > 0) return [`${where} asks for ${missing.join(', ')}`];
      const labels = metrics.flatMap((name) => [...(known.get(name) ?? [])]);
      return labelsAsked(expr)
        .filter((label) => !labels.includes(label))
        .map((label) => `${where} asks for the label ${label}`);
    });
    expect(wrong).toEqual([]);
  });
});

/** Ours; of a histogram its buckets. */
function ownMetrics(): string[] {
  return [...known.keys()].filter((name) => /^mvc_.*(?<!_sum|_count)$/.test(name));
}

describe('the metrics', () => {
  it('have no label of unlimited values: no cluster, VM, run or host', () => {
    const unlimited = ['cluster', 'vm', 'run', 'run_id', 'runId', 'workflowId', 'host'];
    const wrong = [...known].filter(([name, labels]) =>
      unlimited.some((label) => labels.has(label) && name.startsWith('mvc_')),
    );
    expect(wrong).toEqual([]);
  });

  it('that are ours are all shown in the dashboard or used in an alert', async () => {
    const queries = [...(await dashboardQueries()), ...(await alertQueries())];
    const used = new Set(queries.flatMap(({ expr }) => metricsAsked(expr)));
    expect(ownMetrics().filter((name) => !used.has(name))).toEqual([]);
  });

  it('that are ours are all explained', async () => {
    const text = await readFile(join(root, 'docs', 'observability.md'), 'utf8');
    const names = ownMetrics().map((name) => name.replace(/_bucket$/, ''));
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the check', () => {
  it('finds the metrics and labels of a query', () => {
    const expr =
      'histogram_quantile(0.9, sum by (le, site) (rate(mvc_a_bucket{x="y", z=~"$site"}[5m]))) > on (job) up_b';
    expect(metricsAsked(expr)).toEqual(['mvc_a_bucket', 'up_b']);
    expect(labelsAsked(expr)).toEqual(['le', 'site', 'job', 'x', 'z']);
  });

  it('knows what a registry has', async () => {
    expect(new Registry().getMetricsAsArray()).toEqual([]);
    expect([...known.keys()]).toContain('mvc_ssh_connections_open');
  });
});
