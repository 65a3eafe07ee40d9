import { createServer } from 'node:net';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import type { LabDirectory } from './directory.ts';
import { controllerEnd, namespaceOf, type LabSite } from './plan.ts';
import { findProcesses, killAll, startDetached } from './processes.ts';

const firstPort = 22_001;
/** Bytes at a time; socat's own 8 KiB would slow uploads down. */
const wholeBuffers = ['-b', '131072'];

/**
 * Offers the site's sshd on a loopback port of this machine. One program listens there, the other one
 * connects from the controller's end of the WAN; a socket file joins the two network namespaces.
 */
export async function ensureDoor(directory: LabDirectory, site: LabSite): Promise<void> {
  const target = `TCP:${site.doorAddress ?? site.wanAddress}:22,nodelay`;
  await closeElsewhere(directory, site, target);
  const socket = join(directory.run, `door-${site.name}`);
  const running = new Set(findProcesses(directory.id).map((each) => each.role));
  const log = (side: string) => join(directory.run, `door-${site.name}-${side}.log`);
  if (!running.has(`door-far:${site.name}`)) {
    await rm(socket, { force: true });
    await startDetached(
      [
        ...(['nsenter', `--net=/run/netns/${namespaceOf(directory.id, controllerEnd)}`] as const),
        'socat',
        ...wholeBuffers,
        `UNIX-LISTEN:${socket},fork,mode=600`,
        target,
      ],
      { id: directory.id, role: `door-far:${site.name}`, logFile: log('far') },
    );
  }
  if (!running.has(`door-near:${site.name}`)) {
    await startDetached(
      [
        'socat',
        ...wholeBuffers,
        `TCP-LISTEN:${site.doorPort},bind=127.0.0.1,fork,reuseaddr,nodelay`,
        `UNIX-CONNECT:${socket}`,
      ],
      { id: directory.id, role: `door-near:${site.name}`, logFile: log('near') },
    );
  }
}

/** Ends what connects to an address that the site has no more, with its connections. */
async function closeElsewhere(
  directory: LabDirectory,
  site: LabSite,
  target: string,
): Promise<void> {
  const stale = () =>
    findProcesses(directory.id)
      .filter((each) => each.role === `door-far:${site.name}` && !each.title.includes(target))
      .map((each) => each.pid);
  await killAll(stale, `the door of ${site.name}`);
}

/** @throws {Failure} Conflict if there are not so many free ones. */
export async function freeDoorPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let port = firstPort; ports.length < count && port < firstPort + 1000; port += 1) {
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length === count) return ports;
  throw new Failure('Conflict', `no ${count} free ports from ${firstPort} on at 127.0.0.1`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
