import { createHash } from 'node:crypto';
import { toFailure } from '../../domain/failure.ts';
import { physicalFrontend, type LibvirtSite } from '../../domain/site.ts';
import {
  checkOfFailure,
  checksOfFacts,
  checksOfHost,
  handsOn,
  type Check,
  type Finding,
} from '../../domain/site-check.ts';
import { bundleMvcSite } from '../../site/bundle.ts';
import type { SiteDoor } from '../../transport/site-door.ts';
import { askHost } from './ask-host.ts';

export interface Tried {
  host: string;
  /** False: nothing more can be asked of it. */
  answers: boolean;
  checks: Check[];
}

/** All that one host can be asked by itself. Never throws for what the host does. */
export async function tryHost(site: LibvirtSite, door: SiteDoor, host: string): Promise<Tried> {
  const named = (findings: Finding[]): Check[] =>
    findings.map((each) => ({ site: site.name, host, ...each }));
  const wanted = createHash('sha256')
    .update(await bundleMvcSite())
    .digest('hex');
  let first: Finding[];
  try {
    const bridges = host === physicalFrontend ? [] : [site.network.bridge];
    const { answer, clockMs } = await askHost(door, host, bridges);
    first = checksOfHost(answer, {
      clockMs,
      programDigest: wanted,
      udpPorts: site.udpPorts,
      ...(host === physicalFrontend ? { handsOn: handsOn(site) } : {}),
    });
  } catch (error) {
    return { host, answers: false, checks: named([checkOfFailure(toFailure(error))]) };
  }
  return { host, answers: true, checks: named([...first, ...(await askFacts(door, host))]) };
}

async function askFacts(door: SiteDoor, host: string): Promise<Finding[]> {
  try {
    const facts = await door.call(host, 'facts', {}, { timeoutMs: 60_000 });
    const other = facts.host === host ? [] : [wrongHost(facts.host)];
    return [...other, ...checksOfFacts(facts)];
  } catch (error) {
    const failure = toFailure(error);
    const help = 'as root there: systemctl enable --now libvirtd; virsh list --all';
    return [
      { check: 'libvirt', state: 'mend', found: failure.message, mend: failure.help ?? help },
    ];
  }
}

function wrongHost(name: string): Finding {
  return {
    check: 'policy',
    state: 'mend',
    found: `the machine at this address was prepared as ${name}`,
    mend: 'correct the address in the site’s file, or run this host’s own script there',
  };
}
