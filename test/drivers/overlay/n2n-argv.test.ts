import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { OverlayTable } from '../../../src/domain/overlay.ts';
import {
  renderEdgeArgs,
  type N2nEdge,
  renderSupernodeArgs,
} from '../../../src/drivers/overlay/n2n/argv.ts';
import { renderEdgeRules } from '../../../src/drivers/overlay/n2n/firewall.ts';
import { edgeScript, supernodeScript } from '../../../src/drivers/overlay/n2n/scripts.ts';

const supernode = { site: 'a', address: '198.51.100.1', port: 7700 };
const edge: N2nEdge = {
  vm: 'compute-a-0',
  site: 'a',
  container: 'c1',
  tap: 't01234567-1',
  bridge: 'b01234567-1',
  mac: '02:01:23:45:00:01',
  address: '10.77.1.2',
  udpPort: 7701,
};
const table = (version: string, network = '10.77.1.0/24'): OverlayTable => ({
  kind: 'n2n',
  version,
  community: 'mvc0123456789ab',
  network,
  mtu: 1400,
  relayOnly: version === '1.3',
  supernode,
  edges: [edge],
});

describe('arguments of an edge', () => {
  it('of n2n 1.3 have the VM’s MAC, a fixed port, forwarding, and the netmask in full', () => {
    expect(renderEdgeArgs(table('1.3', '10.77.0.0/22'), edge, supernode).join(' ')).toBe(
      '-d t01234567-1 -m 02:01:23:45:00:01 -c mvc0123456789ab -l 198.51.100.1:7700 -p 7701 ' +
        '-M 1400 -r -u 65534 -g 65534 -a 10.77.1.2 -s 255.255.252.0',
    );
  });

  it('of n2n 3 encrypt headers too, stay in the foreground and take any management port', () => {
    const args = renderEdgeArgs(table('3.1'), edge, supernode);
    expect(args).toEqual(expect.arrayContaining(['-H', '-A3', '-f', '-E', 'static:10.77.1.2/24']));
    expect(args.slice(args.indexOf('-t'))).toEqual(['-t', '0']);
  });

  it('never have a blank, since the script splits them there', () => {
    for (const version of ['1.3', '3.1']) {
      for (const arg of renderEdgeArgs(table(version), edge, supernode))
        expect(arg).not.toMatch(/\s/);
    }
  });
});

it('gives a supernode of n2n 3 a federation of its own', () => {
  expect(renderSupernodeArgs('1.3', supernode, 'mvcx')).toEqual(['-l', '7700']);
  expect(renderSupernodeArgs('3.1', supernode, 'mvcx')).toEqual(
    expect.arrayContaining(['-F', 'mvcx']),
  );
});

it('closes the socket of an edge to all but the supernode only if it must relay', () => {
  const rules = (relayOnly: boolean) => renderEdgeRules(edge, supernode, relayOnly, 'mvc:i:c:d');
  expect(rules(true)).toContain('udp sport 7701 ip daddr != 198.51.100.1 drop');
  expect(rules(false)).not.toContain('7701');
});

it.each([edgeScript, supernodeScript])('has scripts that a POSIX shell understands', (script) => {
  const { status, stderr } = spawnSync('dash', ['-n'], { input: script, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
