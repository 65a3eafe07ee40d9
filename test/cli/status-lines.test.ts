import { describe, expect, it } from 'vitest';
import type { ClusterStatus, OperationStatus } from '../../src/cli/cluster-status.ts';
import { listLines } from '../../src/cli/list.ts';
import { parkedSteps } from '../../src/cli/parked.ts';
import { statusLines } from '../../src/cli/status-lines.ts';
import { clusterSpecSchema, type Condition } from '../../src/domain/cluster.ts';
import { parkedAtBeach, parkedAtCloud, start } from './steps.ts';

const attention: Condition = {
  type: 'Attention',
  status: true,
  reason: 'Parked',
  message: 'step image at site beach, host h1 is parked: the host key of h1 has changed',
};
const notReady: Condition = {
  type: 'Ready',
  status: false,
  reason: 'Building',
  message: 'not yet',
};

const recorded: ClusterStatus = {
  name: 'demo',
  phase: 'building',
  conditions: [notReady, attention],
  network: '10.77.0.0/24',
  overlay: { kind: 'n2n', version: '3.1', relayOnly: false, mtu: 1400, secure: true },
  vms: [
    {
      name: 'frontend',
      role: 'frontend',
      site: 'alpine',
      container: 'h1',
      mac: '02:00:5e:10:00:01',
      address: '10.77.0.1',
      state: 'installing',
    },
  ],
  rtt: [],
};
const build: OperationStatus = {
  kind: 'build',
  runId: 'r',
  phase: 'building',
  message: '2 sites, origin alpine',
  startedAt: start,
  parked: [],
};
const parked = { ...build, parked: parkedSteps([parkedAtBeach, parkedAtCloud]) };
const now = start + 7_000;

describe('the status of a cluster', () => {
  it('shows the running operation and its parked steps, with what to do next', () => {
    expect(statusLines({ ...recorded, operation: parked }, now)).toEqual([
      'cluster demo: building',
      '  not yet',
      'a build runs since 7.0 s: 2 steps are parked',
      '  ‖ step image at site beach, host h1 is parked: the host key of h1 has changed; ask the administrator of site beach; then `mvc resume demo`',
      '    since 6.0 s',
      '  ‖ step vms at site cloud is parked: site cloud does not answer; it is tried again by itself, `mvc resume demo` tries at once',
      '    since 5.0 s, next try in 10.0 s; may be left out: add --skip',
      'next: mvc resume demo',
      'overlay n2n 3.1 on 10.77.0.0/24',
      '',
      'VM        ROLE      SITE    CONTAINER  MAC                ADDRESS    STATE',
      'frontend  frontend  alpine  h1         02:00:5e:10:00:01  10.77.0.1  installing',
    ]);
  });

  it('says where it is seen in the browser, if that is known', () => {
    const uiUrl = 'http://127.0.0.1:8233/namespaces/default/workflows/x';
    const lines = statusLines({ ...recorded, operation: build, uiUrl }, now);
    expect(lines).toContain(`in the browser: ${uiUrl}`);
  });

  it('shows what is recorded when the engine is away, and says so', () => {
    const lines = statusLines({ ...recorded, engineSilent: 'Temporal does not run' }, now);
    expect(lines).toContain(`  attention: ${attention.message}`);
    expect(lines).toContain(
      'what runs on it could not be asked, this is what is recorded: Temporal does not run',
    );
  });

  it('can be told of a build that has not registered its sites yet', () => {
    const status: ClusterStatus = {
      name: 'demo',
      phase: 'building',
      conditions: [],
      operation: parked,
    };
    const lines = statusLines(status, now);
    expect(lines[0]).toBe('cluster demo: building');
    expect(lines).toContain('next: mvc resume demo');
  });

  it('of one that has drifted says what is amiss, and that it can be repaired', () => {
    const drift: Condition = {
      type: 'Drift',
      status: true,
      reason: 'Drifted',
      message: 'VM compute-beach-0 at site beach is off',
    };
    const lines = statusLines({ ...recorded, phase: 'ready', conditions: [drift] }, now);
    expect(lines).toContain('  amiss: VM compute-beach-0 at site beach is off');
    expect(lines).toContain('next: mvc repair demo');
  });

  it('of one that was cancelled says how to go on', () => {
    const lines = statusLines({ ...recorded, phase: 'cancelled', conditions: [] }, now);
    expect(lines[1]).toBe(
      'next: `mvc create` with its spec goes on, `mvc destroy demo` removes it',
    );
  });

  it('of one that is as wanted is silent about attention', () => {
    const fine = { ...attention, status: false };
    const lines = statusLines({ ...recorded, phase: 'ready', conditions: [fine] }, now);
    expect(lines.join('\n')).not.toContain('attention');
  });
});

describe('the list of clusters', () => {
  const spec = clusterSpecSchema.parse({
    name: 'demo',
    origin: 'alpine',
    sites: [{ name: 'alpine', computes: 2 }],
    overlay: { kind: 'memory' },
  });
  const cluster = { name: 'demo', phase: 'ready', spec, network: '10.77.0.0/24' } as const;

  it('says in short what needs attention', () => {
    const [, line] = listLines([{ ...cluster, conditions: [attention] }]);
    expect(line).toMatch(
      /^demo {5}ready {2}alpine {2}alpine {2}2 {9}10\.77\.0\.0\/24 {2}step image/,
    );
    expect(line).toMatch(/…$/);
  });

  it('has a dash where all is well', () => {
    const [header, line] = listLines([{ ...cluster, conditions: [notReady] }]);
    expect(header).toMatch(/ATTENTION$/);
    expect(line).toMatch(/-$/);
  });
});
