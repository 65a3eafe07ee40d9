/** What carries the link with a relay. `trial`: UDP again, with TCP still open behind it. */
export interface Carrier {
  by: 'udp' | 'tcp' | 'trial';
  since: number;
}

export interface CarrierFacts {
  alive: boolean;
  /** Since when the link is not alive. */
  deadSince: number;
  /** Whether the relay is known to be reached by UDP otherwise: by its direct device. */
  udpWorks: boolean;
  /** When the last probe that was answered by UDP itself was sent. */
  provedByUdpAt: number;
}

const udpPatienceMs = 5000;
const tcpPatienceMs = 10_000;
const retryMs = 60_000;
const trialMs = 1500;

/** By UDP as long as that works; by TCP where it does not; every minute a look whether it works again. */
export function stepCarrier(carrier: Carrier, facts: CarrierFacts, now: number): Carrier {
  const here = now - carrier.since;
  const deadMs = facts.alive ? 0 : now - Math.max(facts.deadSince, carrier.since);
  switch (carrier.by) {
    case 'udp':
      return deadMs >= udpPatienceMs ? { by: 'tcp', since: now } : carrier;
    case 'tcp':
      // A relay that is gone altogether is looked for both ways.
      if (deadMs >= tcpPatienceMs) return { by: 'udp', since: now };
      return facts.alive && here >= retryMs && facts.udpWorks
        ? { by: 'trial', since: now }
        : carrier;
    case 'trial':
      if (facts.provedByUdpAt >= carrier.since) return { by: 'udp', since: now };
      return here >= trialMs ? { by: 'tcp', since: now } : carrier;
  }
}
