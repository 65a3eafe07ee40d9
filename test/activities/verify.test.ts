import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';
import type { SiteDrivers } from '../../src/activities/site/drivers.ts';
import type { GuestAddress } from '../../src/activities/site/guest.ts';
import { createVmActivities } from '../../src/activities/site/vm.ts';

const drivers = {
  site: () => ({ guestRun: async () => ({ exitCode: 1, stdout: '', stderr: 'no job' }) }),
} as unknown as SiteDrivers;

it('the proof says what it is about while it runs', async () => {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const notes: unknown[] = [];
  environment.on('heartbeat', (details: { note?: string }) => notes.push(details.note));
  const frontend = { site: { name: 'alpine' }, vm: 'frontend', container: 'h1' } as GuestAddress;
  const nodes = [
    { name: 'compute-alpine-0', site: 'alpine' },
    { name: 'compute-beach-0', site: 'beach' },
  ];
  const { verifyCluster } = createVmActivities(drivers);
  await expect(environment.run(verifyCluster, { frontend, nodes, mtu: 1400 })).rejects.toThrow(
    'no job',
  );
  expect(notes[0]).toBe(
    'a job and an MPI collective on 2 nodes, 2 sites (compute-alpine-0, compute-beach-0), packet size, round trips',
  );
});
