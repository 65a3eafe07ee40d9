import { describe, expect, it } from 'vitest';
import {
  allowedAddresses,
  normalAddress,
  probeAddress,
} from '../../../../src/drivers/overlay/routed/paths/addresses.ts';
import { encodeFrame, frameReader } from '../../../../src/drivers/overlay/routed/paths/frames.ts';
import {
  decodeMessage,
  encodeMessage,
} from '../../../../src/drivers/overlay/routed/paths/messages.ts';
import {
  newMeasurement,
  sizesFor,
  tickMeasurement,
} from '../../../../src/drivers/overlay/routed/paths/mtu.ts';
import { parsePacketCounters } from '../../../../src/drivers/overlay/routed/paths/packet-counters.ts';
import { parseRoutes, renderRoutes } from '../../../../src/drivers/overlay/routed/paths/routes.ts';
import { parseUapi, renderUapi } from '../../../../src/drivers/overlay/routed/paths/uapi.ts';
import { parseWgDump, renderWgSet } from '../../../../src/drivers/overlay/routed/paths/wg-tool.ts';
import { configOf, keyOf } from './configs.ts';

const hex = '04'.repeat(32);
const endpoint = { address: '198.51.100.4', port: 51820 };

describe('WireGuard in user space', () => {
  it('tells its peers', () => {
    const dump = parseUapi(
      `private_key=00\nlisten_port=51820\npublic_key=${hex}\npreshared_key=${'ab'.repeat(32)}\n` +
        'protocol_version=1\nendpoint=198.51.100.4:51820\nlast_handshake_time_sec=100\n' +
        'last_handshake_time_nsec=500000000\ntx_bytes=10\nrx_bytes=20\n' +
        'persistent_keepalive_interval=5\nallowed_ip=10.77.0.4/32\nerrno=0\n\n',
    );
    expect(dump).toEqual({
      listenPort: 51820,
      peers: [
        {
          publicKey: keyOf(4),
          presharedKey: 'ab'.repeat(32),
          endpoint,
          handshakeAt: 100_500,
          sentBytes: 10,
          receivedBytes: 20,
          allowed: ['10.77.0.4/32'],
        },
      ],
    });
  });

  it('takes a peer out and puts it back in one message', () => {
    const renew = { allowed: ['10.77.0.4/32'], presharedKey: 'ab' };
    const text = renderUapi({ publicKey: keyOf(4), renew, endpoint, keepaliveSeconds: 25 });
    expect(text.split('\n')).toEqual([
      'set=1',
      `public_key=${hex}`,
      'remove=true',
      `public_key=${hex}`,
      'preshared_key=ab',
      'endpoint=198.51.100.4:51820',
      'persistent_keepalive_interval=25',
      'replace_allowed_ips=true',
      'allowed_ip=10.77.0.4/32',
      '',
      '',
    ]);
  });
});

describe('WireGuard in the kernel', () => {
  it('tells its peers by the tool', () => {
    const text = `priv\tpub\t51820\toff\n${keyOf(4)}\t(none)\t198.51.100.4:51820\t10.77.0.4/32,fd42::4/128\t100\t20\t10\toff\n`;
    expect(parseWgDump(text).peers).toEqual([
      {
        publicKey: keyOf(4),
        endpoint,
        handshakeAt: 100_000,
        sentBytes: 10,
        receivedBytes: 20,
        allowed: ['10.77.0.4/32', 'fd42::4/128'],
      },
    ]);
  });

  it('is given the preshared key as a file', () => {
    const change = { publicKey: 'K', renew: { allowed: ['a', 'b'] }, keepaliveSeconds: 0 };
    expect(renderWgSet('w-d', change, '/d/psk/4').join(' ')).toBe(
      'wg set w-d peer K remove peer K preshared-key /d/psk/4 persistent-keepalive 0 allowed-ips a,b',
    );
  });
});

describe('addresses', () => {
  const config = configOf(3, { relays: [1], others: [1, 26] });

  it('of probes are one per device and container', () => {
    expect(probeAddress(config, 0, 26)).toBe('fd42:1:2::1a');
    expect(probeAddress(config, 1, 26)).toBe('fd42:1:2:1::1a');
    expect(normalAddress('fd42:0001:0002:0000::1A')).toBe('fd42:1:2::1a');
  });

  it('behind a relay are those of all others', () => {
    expect(allowedAddresses(config, 1, 1)).toEqual([
      '10.77.0.1/32',
      'fd42:1:2:1::1/128',
      '10.77.0.26/32',
      'fd42:1:2:1::1a/128',
    ]);
    expect(allowedAddresses(config, 0, 26)).toEqual(['10.77.0.26/32', 'fd42:1:2::1a/128']);
  });
});

describe('routes', () => {
  it('are read for our devices alone, and not those that the kernel made', () => {
    const json = JSON.stringify([
      { dst: '10.77.0.4', dev: 'w-d' },
      { dst: '10.77.0.5', dev: 'eth0' },
      { dst: 'fd42:1:2::3', dev: 'w-d', protocol: 'kernel' },
      { dst: '10.0.0.0/8', dev: 'w-d' },
    ]);
    expect([...parseRoutes(json, ['w-d'])]).toEqual([['10.77.0.4', 'w-d']]);
  });

  it('are changed only where they differ', () => {
    const have = new Map([
      ['10.77.0.4', 'w-d'],
      ['10.77.0.5', 'w-d'],
      ['10.77.0.6', 'w-d'],
    ]);
    const want = new Map([
      ['10.77.0.4', 'w-d'],
      ['10.77.0.5', 'w-r0'],
      ['fd42:1:2::4', 'w-d'],
    ]);
    expect(renderRoutes(have, want)).toEqual([
      'route replace 10.77.0.5/32 dev w-r0',
      'route replace fd42:1:2::4/128 dev w-d',
      'route del 10.77.0.6/32 dev w-d',
    ]);
  });
});

describe('messages', () => {
  it('are padded so that the inner packet has the size', () => {
    const datagram = encodeMessage({ t: 'probe', id: 1, size: 1420 });
    expect(datagram.length).toBe(1420 - 48);
    expect(decodeMessage(datagram)).toEqual({ t: 'probe', id: 1, size: 1420 });
  });

  it('that are none of ours are nothing', () => {
    expect(decodeMessage(Buffer.from('{"t":"meet","with":"all"}'))).toBeUndefined();
    expect(decodeMessage(Buffer.from('\0\u0001'))).toBeUndefined();
  });
});

describe('frames', () => {
  it('come out of the stream as they went in, however it was cut', () => {
    const datagrams = [Buffer.from('one'), Buffer.alloc(1500, 7), Buffer.from('3')];
    const stream = Buffer.concat(datagrams.map(encodeFrame));
    for (const step of [1, 2, 700, stream.length]) {
      const seen: Buffer[] = [];
      const read = frameReader((datagram) => seen.push(Buffer.from(datagram)));
      for (let at = 0; at < stream.length; at += step) {
        expect(read(stream.subarray(at, at + step))).toBe(true);
      }
      expect(seen).toEqual(datagrams);
    }
  });

  it('that are empty or too long end the stream', () => {
    const read = () => frameReader(() => undefined);
    expect(read()(Buffer.from([0, 0]))).toBe(false);
    expect(read()(Buffer.from([9, 0]))).toBe(false);
  });
});

describe('the MTU of a path', () => {
  it('is the whole where the largest packet is answered: one packet tells', () => {
    const first = tickMeasurement(newMeasurement(0, 0), 1420, 0);
    expect(first.probe).toEqual([1420]);
    const run = { ...first.run, passed: [1420] };
    expect(tickMeasurement(run, 1420, 30)).toMatchObject({ probe: [], done: { mtu: 1420 } });
  });

  it('is the largest packet that was answered, after a second look at the larger ones', () => {
    const { run: begun } = tickMeasurement(newMeasurement(0, 0), 1420, 0);
    const first = tickMeasurement(begun, 1420, 1000);
    expect(first.probe).toEqual(sizesFor(1420));
    const second = tickMeasurement({ ...first.run, passed: [1340, 1280] }, 1420, 2000);
    expect(second.probe).toEqual([1420, 1400, 1380]);
    expect(tickMeasurement(second.run, 1420, 3000).done).toEqual({ mtu: 1340 });
  });
});

it('the packets of an interface are counted both ways', () => {
  const text =
    'Inter-| Receive | Transmit\n face |bytes packets\n' +
    '  w-d: 100 3 0 0 0 0 0 0 200 4 0 0 0 0 0 0\n';
  expect(parsePacketCounters(text).get('w-d')).toBe(7);
});
