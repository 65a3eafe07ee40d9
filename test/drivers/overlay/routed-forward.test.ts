import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/domain/mark.ts';
import type { Forward } from '../../../src/domain/routed-verbs.ts';
import { createForwardHost } from '../../../src/drivers/overlay/routed/forward-host.ts';
import type { Supervisor } from '../../../src/drivers/supervisor/supervisor.ts';
import type { Shell } from '../../../src/transport/shell.ts';
import { clusterId } from '../../helpers/replans.ts';

const operation = {
  mark: { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId },
} as Operation;
const behind: Forward = { protocol: 'udp', port: 7701, to: '192.168.10.11' };
const itself: Forward = { protocol: 'udp', port: 7701, to: '192.168.10.1' };

const addresses = '2: lan0    inet 192.168.10.1/24 brd 192.168.10.255 scope global lan0\n';

/** A physical frontend at 192.168.10.1, and what was done there. */
function frontendThat(forwards: boolean) {
  const done: string[] = [];
  const shell: Shell = {
    run: async ([program, ...args]) => {
      if (program === 'nft') done.push('nft');
      if (program === 'cat') expect(args).toEqual(['/proc/sys/net/ipv4/conf/all/forwarding']);
      const stdout = program === 'ip' ? addresses : forwards ? '1\n' : '0\n';
      return { exitCode: 0, stdout, stderr: '' };
    },
  };
  const supervisor = {
    ensure: async () => void done.push('service'),
  } as unknown as Supervisor;
  const policy = { udpPorts: { first: 7700, last: 7799 } };
  return { done, host: createForwardHost({ shell, supervisor, policy }) };
}

describe('a physical frontend that is to hand on', () => {
  it('refuses if it forwards nothing, names the setting, and changes nothing', async () => {
    const { done, host } = frontendThat(false);
    await expect(host.apply(operation, [itself, behind])).rejects.toMatchObject({
      kind: 'Forbidden',
      message: expect.stringContaining('192.168.10.11') as string,
      help: expect.stringContaining('net.ipv4.ip_forward=1') as string,
    });
    expect(done).toEqual([]);
  });

  it('does it if it forwards', async () => {
    const { done, host } = frontendThat(true);
    await host.apply(operation, [behind]);
    expect(done).toEqual(['service', 'nft']);
  });

  it('need not forward what is for itself, as a VM container', async () => {
    const { done, host } = frontendThat(false);
    await host.apply(operation, [itself]);
    expect(done).toEqual(['service', 'nft']);
  });
});
