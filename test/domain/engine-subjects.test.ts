import { describe, expect, it } from 'vitest';
import {
  clusterSiteWorkflowId,
  clusterWorkflowId,
  controlQueue,
  siteQueue,
  siteWorkflowId,
  watchScheduleId,
} from '../../src/domain/engine-names.ts';
import { subjectOfQueue, subjectOfWorkflow } from '../../src/domain/engine-subjects.ts';

describe('what a run of the engine is about', () => {
  it.each([
    [clusterWorkflowId('demo'), { cluster: 'demo' }],
    [clusterSiteWorkflowId('demo', 'beach'), { cluster: 'demo', site: 'beach' }],
    [watchScheduleId('demo'), { cluster: 'demo' }],
    [`${watchScheduleId('my-demo')}-2026-11-25T20:15:00Z`, { cluster: 'my-demo' }],
    ['plan:demo:0b3e', { cluster: 'demo' }],
    ['console:demo:0b3e', { cluster: 'demo' }],
    [siteWorkflowId('beach'), { site: 'beach' }],
  ])('is read from the id %s', (id, subject) => {
    expect(subjectOfWorkflow(id)).toEqual(subject);
  });

  it.each([
    'sweep:0b3e',
    'reconcile:0b3e',
    'inventory:0b3e',
    '',
    'cluster:',
    'cluster:No Name',
    'x:y:z',
  ])('is nothing that the id %j does not name', (id) => {
    expect(subjectOfWorkflow(id)).toEqual({});
  });

  it("is the site of a site's queue, and nothing of the control queue", () => {
    expect(subjectOfQueue(siteQueue('beach'))).toEqual({ site: 'beach' });
    expect(subjectOfQueue(controlQueue)).toEqual({});
  });
});
