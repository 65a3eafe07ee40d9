import { expect, it } from 'vitest';
import type { Link } from '../../../src/drivers/overlay/routed/link-config.ts';
import { linkChanges } from '../../../src/drivers/overlay/routed/link-update.ts';

const files = { key: '/key', psk: (number: number) => `/psk/${number}` };
const peer = {
  number: 2,
  publicKey: 'two',
  preshared: 'shared',
  allowed: ['10.77.1.3/32', 'fdc0:ffee:1234:0::2/128'],
};
const link: Link = {
  device: 'w-d',
  address: 'fd00::1',
  privateKey: 'secret',
  port: 7701,
  peers: [peer],
  config: '',
};
const dump = (peers: string[], port = 7701) =>
  [`secret\tone\t${port}\toff`, ...peers.map((each) => `${each}\t0\t0\t0\t25`), ''].join('\n');
const two = 'two\tshared\t192.0.2.1:9\tfdc0:ffee:1234::2/128,10.77.1.3/32';

it('changes nothing of a link that is as it should be', () => {
  expect(linkChanges(link, dump([two]), files)).toEqual([]);
});

it('leaves a port that was not asked for, and what the keeper of paths has set, as they are', () => {
  const { port: _none, ...spoke } = link;
  const relayed = { ...spoke, peers: [{ ...peer, endpoint: { address: '192.0.2.9', port: 1 } }] };
  expect(linkChanges(relayed, dump([two], 40_000), files)).toEqual([]);
});

it('adds, changes and removes peers, and tells a new one where its relay is', () => {
  const changed = { ...peer, preshared: 'other', allowed: ['10.77.1.4/32'] };
  const relay = {
    ...peer,
    number: 3,
    publicKey: 'three',
    endpoint: { address: '192.0.2.9', port: 1 },
  };
  const wanted = { ...link, peers: [changed, relay] };
  const seen = dump([two, 'four\t(none)\t(none)\t(none)'], 7000);
  expect(linkChanges(wanted, seen, files).join(' ')).toBe(
    'listen-port 7701 peer four remove ' +
      'peer two preshared-key /psk/2 allowed-ips 10.77.1.4/32 ' +
      'peer three preshared-key /psk/3 allowed-ips 10.77.1.3/32,fdc0:ffee:1234:0::2/128 ' +
      'endpoint 192.0.2.9:1 persistent-keepalive 5',
  );
});
