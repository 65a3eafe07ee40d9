import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createSshDoor, type SshDoor } from '../../src/transport/ssh-door.ts';
import { fingerprint, generateSshKey } from '../../src/transport/ssh-key.ts';
import { createSshMetrics } from '../../src/workers/metrics/ssh-metrics.ts';
import { siteOf, startSshd, type TestSshd } from '../transport/sshd.ts';

const noVms = `echo '${JSON.stringify({ ok: true, result: { vms: [] } })}'`;
const servers: TestSshd[] = [];
const doors: SshDoor[] = [];
afterEach(async () => {
  for (const door of doors.splice(0)) door.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function counted(change: (site: ReturnType<typeof siteOf>) => ReturnType<typeof siteOf>) {
  const server = await startSshd(noVms);
  servers.push(server);
  const site = change(siteOf(server));
  const registry = new Registry();
  const metrics = createSshMetrics(registry);
  const door = createSshDoor(site, { watch: metrics.watch(site.name) });
  doors.push(door);
  metrics.follow(site.name, door);
  const value = async (name: string) => {
    const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${name}{`));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return { door, server, value };
}

describe('connections to a site', () => {
  it('are counted when they open, and shown as long as they are open', async () => {
    const { door, value } = await counted((site) => site);
    expect(await value('mvc_ssh_connections_open')).toBe(0);
    await door.call('physical-frontend', 'vm.describe', {});
    await door.call('physical-frontend', 'vm.describe', {});
    expect(await value('mvc_ssh_connections_opened_total')).toBe(1);
    expect(await value('mvc_ssh_connections_open')).toBe(1);
    door.close();
    await expect.poll(() => value('mvc_ssh_connections_open')).toBe(0);
    expect(await value('mvc_ssh_connections_opened_total')).toBe(1);
  });

  it('that could not be opened are counted by what was wrong', async () => {
    const other = fingerprint(generateSshKey('other').publicKey);
    const { door, value } = await counted((site) => ({
      ...site,
      frontend: { ...site.frontend, hostKey: other },
    }));
    await expect(door.call('physical-frontend', 'facts', {})).rejects.toMatchObject({
      kind: 'HostKeyChanged',
    });
    expect(await value('mvc_ssh_connection_failures_total')).toBe(1);
    expect(await value('mvc_ssh_connections_opened_total')).toBe(0);
  });
});
