import { describe, expect, it } from 'vitest';
import {
  stepCarrier,
  type Carrier,
  type CarrierFacts,
} from '../../../../src/drivers/overlay/routed/paths/carrier.ts';

const dead: CarrierFacts = {
  alive: false,
  deadSince: 0,
  udpWorks: false,
  provedByUdpAt: -Infinity,
};
const alive: CarrierFacts = { ...dead, alive: true };

describe('what carries the link with a relay', () => {
  const udp: Carrier = { by: 'udp', since: 0 };
  const tcp: Carrier = { by: 'tcp', since: 5000 };

  it('is TCP after five seconds without UDP', () => {
    expect(stepCarrier(udp, dead, 4999)).toBe(udp);
    expect(stepCarrier(udp, dead, 5000)).toEqual(tcp);
    expect(stepCarrier(udp, alive, 60_000)).toBe(udp);
  });

  it('is tried by UDP each minute, but only when UDP is known to work', () => {
    expect(stepCarrier(tcp, alive, 70_000)).toBe(tcp);
    expect(stepCarrier(tcp, { ...alive, udpWorks: true }, 64_000)).toBe(tcp);
    expect(stepCarrier(tcp, { ...alive, udpWorks: true }, 65_000).by).toBe('trial');
  });

  it('goes back to UDP when a probe of the trial is answered, else to TCP', () => {
    const trial: Carrier = { by: 'trial', since: 65_000 };
    expect(stepCarrier(trial, { ...alive, provedByUdpAt: 64_000 }, 65_200)).toBe(trial);
    expect(stepCarrier(trial, { ...alive, provedByUdpAt: 65_100 }, 65_200).by).toBe('udp');
    expect(stepCarrier(trial, alive, 66_500).by).toBe('tcp');
  });

  it('is looked for both ways when the relay is gone', () => {
    expect(stepCarrier(tcp, dead, 15_000).by).toBe('udp');
  });
});
