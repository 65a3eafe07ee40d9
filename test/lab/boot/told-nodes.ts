import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createNodeActivities } from '../../../src/activities/site/nodes.ts';
import type { Operation } from '../../../src/domain/mark.ts';
import type { Site } from '../../../src/domain/site.ts';
import type { SiteDriver } from '../../../src/drivers/site/site-driver.ts';
import type { Machine } from './machine.ts';

/** The site's activities about nodes, with this machine as the frontend VM. */
export function nodeActivities(frontend: () => Machine) {
  const driver = {
    guestRun: (_operation, _vm, { argv, stdin, timeoutMs }) =>
      frontend().run(argv, { timeoutMs, ...(stdin === undefined ? {} : { stdin }) }),
  } satisfies Partial<SiteDriver>;
  const activities = createNodeActivities({
    site: () => driver as unknown as SiteDriver,
    overlay: () => {
      throw new Error('nodes need no overlay');
    },
  });
  const operation: Operation = {
    mark: {
      installation: '7d5c5a3e-9a51-4c43-8c4e-6f1f3d3a7b10',
      cluster: 'demo',
      clusterId: 'c0ffee123456',
    },
    epoch: 1,
  };
  const site = { name: 'alpine' } as Site;
  const at = { frontend: { site, operation, container: 'h1', vm: 'frontend' } };
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const run = <T>(activity: () => Promise<T>) => environment.run(activity) as Promise<T>;
  return {
    states: () => run(() => activities.nodeStates(at)),
    configure: (archive: Buffer) =>
      run(() => activities.configureNodes({ ...at, archive: archive.toString('base64') })),
    drain: (nodes: string[], timeoutMs: number) =>
      run(() => activities.drainNodes({ ...at, nodes, timeoutMs })),
    resume: (nodes: string[]) => run(() => activities.resumeNodes({ ...at, nodes })),
  };
}
