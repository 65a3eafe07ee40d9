import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { ClusterRuns } from '../../src/client/cluster-runs.ts';

/** One run under the id of a cluster, as the engine would tell of it. */
interface Run {
  type: string;
  status: 'RUNNING' | 'COMPLETED';
}

/** Stands for the engine: at most one run, which ends when it is cancelled. */
class FakeEngine {
  run: Run | undefined;
  readonly calls: string[] = [];
  update: () => unknown = () => ({ resumed: [] });
  /** Starts this as soon as a run has ended, before anybody else can. */
  intruder: Run | undefined;

  constructor(run?: Run) {
    this.run = run;
  }

  get runs(): ClusterRuns {
    const workflow = { start: this.start, getHandle: () => this.handle };
    const withDeadline = (_: number, ask: () => Promise<unknown>) => ask();
    return new ClusterRuns({ workflow, withDeadline } as unknown as Client);
  }

  private readonly start = async (type: string) => {
    if (this.run?.status === 'RUNNING') {
      throw new WorkflowExecutionAlreadyStartedError('runs', 'cluster:demo', this.run.type);
    }
    this.calls.push(`start ${type}`);
    this.run = { type, status: 'RUNNING' };
    return { firstExecutionRunId: 'new' };
  };

  private readonly handle = {
    describe: async () => {
      const { run } = this;
      if (!run) throw new WorkflowNotFoundError('none', 'cluster:demo', undefined);
      return { runId: 'old', type: run.type, status: { name: run.status }, startTime: new Date(0) };
    },
    cancel: async () => {
      this.calls.push(`cancel ${this.run?.type}`);
      this.run = this.intruder ?? { type: 'buildCluster', status: 'COMPLETED' };
      this.intruder = undefined;
    },
    result: async () => undefined,
    query: async () => {
      throw new Error('no worker');
    },
    startUpdate: async (name: string, options: { args: unknown[] }) => {
      this.calls.push(`${name} ${JSON.stringify(options.args)}`);
      return { result: async () => this.update() };
    },
  };
}

const running = (type: string): Run => ({ type, status: 'RUNNING' });

describe('an operation', () => {
  it('is started by its workflow', async () => {
    const engine = new FakeEngine();
    expect(await engine.runs.start('scale', 'demo', {})).toEqual({ cluster: 'demo', runId: 'new' });
    expect(engine.calls).toEqual(['start scaleCluster']);
  });

  it('is refused while another runs, which is named', async () => {
    const { runs } = new FakeEngine(running('repairCluster'));
    await expect(runs.start('stop', 'demo', {})).rejects.toMatchObject({
      kind: 'Busy',
      message: 'a repair of cluster demo is running',
    });
  });

  it('that no worker can be asked about still says what it is', async () => {
    const { runs } = new FakeEngine(running('stopCluster'));
    const operation = await runs.running('demo');
    expect(operation).toMatchObject({ kind: 'stop', startedAt: 0 });
    expect(await runs.progress(operation!, 'stop')).toMatchObject({
      operation: 'stop',
      phase: 'changing',
      steps: [],
    });
  });
});

describe('a cancel', () => {
  it('stops what runs and says what that was', async () => {
    const engine = new FakeEngine(running('buildCluster'));
    expect(await engine.runs.cancel('demo')).toMatchObject({ kind: 'build' });
    expect(engine.calls).toEqual(['cancel buildCluster']);
  });

  it('of nothing changes nothing', async () => {
    expect(await new FakeEngine().runs.cancel('demo')).toBeUndefined();
  });
});

describe('a removal', () => {
  it('stops what runs first', async () => {
    const engine = new FakeEngine(running('buildCluster'));
    await engine.runs.destroy('demo');
    expect(engine.calls).toEqual(['cancel buildCluster', 'start destroyCluster']);
  });

  it('joins a removal that runs already', async () => {
    const engine = new FakeEngine(running('destroyCluster'));
    expect(await engine.runs.destroy('demo')).toEqual({ cluster: 'demo', runId: 'old' });
    expect(engine.calls).toEqual([]);
  });

  it('also stops what was started in between', async () => {
    const engine = new FakeEngine(running('buildCluster'));
    engine.intruder = running('repairCluster');
    await engine.runs.destroy('demo');
    expect(engine.calls).toEqual([
      'cancel buildCluster',
      'cancel repairCluster',
      'start destroyCluster',
    ]);
  });
});

describe('a resume', () => {
  it('hands on what is meant and returns what goes on', async () => {
    const engine = new FakeEngine(running('buildCluster'));
    engine.update = () => ({ resumed: [{ step: 'image', site: 'beach' }] });
    const result = await engine.runs.resume('demo', { site: 'beach' });
    expect(result.resumed).toEqual([{ step: 'image', site: 'beach' }]);
    expect(engine.calls).toEqual(['resume [{"site":"beach"}]']);
  });

  it('of a cluster on which nothing runs says what goes on with a build', async () => {
    const { runs } = new FakeEngine({ type: 'buildCluster', status: 'COMPLETED' });
    await expect(runs.resume('demo', {})).rejects.toMatchObject({
      kind: 'NotFound',
      message: 'nothing runs on cluster demo',
      help: '`mvc create` goes on with a build that was cancelled or failed',
    });
  });

  it('that the operation refuses is bad input, with its reason', async () => {
    const engine = new FakeEngine(running('buildCluster'));
    engine.update = () => {
      const cause = ApplicationFailure.nonRetryable('no step is parked', 'BadInput');
      throw new WorkflowUpdateFailedError('Workflow Update failed', cause);
    };
    await expect(engine.runs.resume('demo', {})).rejects.toMatchObject({
      kind: 'BadInput',
      message: 'no step is parked',
    });
  });
});
