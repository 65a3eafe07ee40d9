import { toFailure } from '../../domain/failure.ts';
import { physicalFrontend, type LibvirtSite, type Site } from '../../domain/site.ts';
import type { SiteDoor } from '../../transport/site-door.ts';
import { askHost } from '../site-check/ask-host.ts';
import { ok, warn, type Finding } from './check.ts';

/** Far above what a slow line makes of it, far below the five minutes at which munge refuses jobs. */
const toleratedMs = 5_000;

const help =
  'as root there (and here, if this clock is wrong): apt-get install chrony. Reservations end by the ' +
  "hosts' clocks, VMs take theirs from them, and munge refuses jobs between nodes five minutes apart";

/** A host's clock against this machine's: ahead if positive; or why it could not be read. */
export type ClockReading = { host: string } & ({ skewMs: number } | { error: string });

/** What the clocks of one site's hosts mean for it. */
export function judgeClocks(site: string, readings: ClockReading[]): Finding[] {
  const subject = `clocks ${site}`;
  const read = readings.flatMap((each) => ('skewMs' in each ? [each] : []));
  const wrong = read.filter(({ skewMs }) => Math.abs(skewMs) > toleratedMs);
  const unread = readings.flatMap((each) =>
    'error' in each ? [warn(subject, `${each.host} could not be asked: ${each.error}`)] : [],
  );
  if (wrong.length > 0) {
    const differing = wrong.map(({ host, skewMs }) =>
      warn(subject, `${host} is ${seconds(skewMs)} ${wayOf(skewMs)} this machine`, help),
    );
    return [...differing, ...unread];
  }
  if (read.length === 0) return unread;
  const most = Math.max(...read.map(({ skewMs }) => Math.abs(skewMs)));
  return [
    ok(subject, `${read.length} hosts, at most ${seconds(most)} from this machine`),
    ...unread,
  ];
}

/** Compares the clocks of all hosts of a site with this machine's. A site in memory has none of its own. */
export async function checkClocks(site: Site): Promise<Finding[]> {
  if (site.kind !== 'libvirt') return [];
  const { createSshDoor } = await import('../../transport/ssh-door.ts');
  const door = createSshDoor(site);
  try {
    return judgeClocks(site.name, await readClocks(site, door));
  } finally {
    door.close();
  }
}

/** Never throws for what a host does. */
export function readClocks(
  { containers }: Pick<LibvirtSite, 'containers'>,
  door: SiteDoor,
): Promise<ClockReading[]> {
  const hosts = [physicalFrontend, ...containers.map(({ name }) => name)];
  return Promise.all(
    hosts.map(async (host) => {
      try {
        const { answer, clockMs } = await askHost(door, host);
        return { host, skewMs: answer.clockMs - clockMs };
      } catch (error) {
        return { host, error: toFailure(error).message };
      }
    }),
  );
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

function wayOf(skewMs: number): string {
  return skewMs < 0 ? 'behind' : 'ahead of';
}
