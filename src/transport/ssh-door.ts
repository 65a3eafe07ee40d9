import type { Duplex } from 'node:stream';
import { Failure } from '../domain/failure.ts';
import { isFrontendToo, physicalFrontend, type LibvirtSite } from '../domain/site.ts';
import { atHost } from './at-host.ts';
import { readKeyFile } from './key-file.ts';
import type { SiteDoor } from './site-door.ts';
import { decodeAnswer, encodeRequest } from './site-wire.ts';
import { connectSsh, type Hop, type SshConnection } from './ssh-connection.ts';
import { scanHostKey } from './ssh-key.ts';

const defaultTimeoutMs = 20_000;

export interface SshDoor extends SiteDoor {
  /** Fingerprint of the key that a machine behind the physical frontend shows (`scanHostKey` through it). */
  scanBehind(address: string, port: number): Promise<string>;
  /** A connection through the physical frontend to where its administrator allows. */
  openTunnel(address: string, port: number): Promise<Duplex>;
  /** Connections that are open at the moment. */
  readonly openConnections: number;
  close(): void;
}

/** Hears of the connections that a door makes. */
export interface ConnectionWatch {
  opened(): void;
  failed(error: unknown): void;
}

export interface SshDoorOptions {
  /** Reads a private key; by default the file of that path. */
  readKey?: (path: string) => Promise<string>;
  /** Connections to the physical frontend that share the calls with a body (uploads); 4 by default. */
  connections?: number;
  watch?: ConnectionWatch;
}

/**
 * The door to a site over ssh, through its physical frontend. Connections are made when needed, kept,
 * shared by calls, and made anew after they broke.
 */
export function createSshDoor(site: LibvirtSite, options: SshDoorOptions = {}): SshDoor {
  const readKey = options.readKey ?? readKeyFile;
  const lanes = new Map<string, Promise<SshConnection>>();
  let open: SshConnection[] = [];
  let nextUpload = 0;

  function stillOpen(): SshConnection[] {
    open = open.filter((each) => !each.broken);
    return open;
  }

  async function watched(connecting: Promise<SshConnection>): Promise<SshConnection> {
    try {
      const made = await connecting;
      open = [...stillOpen(), made];
      options.watch?.opened();
      return made;
    } catch (error) {
      options.watch?.failed(error);
      throw error;
    }
  }

  /** The connection of a lane, made anew if it is broken. */
  async function connection(
    lane: string,
    connect: () => Promise<SshConnection>,
  ): Promise<SshConnection> {
    const known = lanes.get(lane);
    if (
      known &&
      !(await known.then(
        (each) => each.broken,
        () => true,
      ))
    )
      return known;
    // Another call may have begun a new one while we looked.
    if (lanes.get(lane) !== known) return connection(lane, connect);
    const fresh = watched(connect());
    lanes.set(lane, fresh);
    return fresh;
  }
  const toFrontend = (lane = physicalFrontend) =>
    connection(lane, async () => {
      const key = await readKey(site.key);
      return atHost(physicalFrontend, connectSsh(frontendHop(site), key));
    });
  const toContainer = (name: string) =>
    connection(name, async () => {
      const hop = containerHop(site, name);
      const outer = await toFrontend();
      const tunnel = await atHost(
        physicalFrontend,
        outer.openTunnel(hop.address, hop.port, { name, where: hop.where }),
      );
      const key = await readKey(site.key);
      return atHost(name, connectSsh(hop, key, tunnel));
    });
  const route = (host: string, upload: boolean) => {
    if (host !== physicalFrontend) return toContainer(host);
    if (!upload) return toFrontend();
    nextUpload = (nextUpload + 1) % (options.connections ?? 4);
    return toFrontend(`${physicalFrontend}#${nextUpload}`);
  };

  return {
    async call(host, verb, input, callOptions = {}) {
      const where = whereIs(site, host);
      const request = encodeRequest(verb, input, { ...callOptions, ...askedAs(site, host) });
      const timeoutMs = callOptions.timeoutMs ?? defaultTimeoutMs;
      const limit = deadline(where, host, verb, timeoutMs, callOptions.signal);
      try {
        const line = await limit.race(route(host, callOptions.body !== undefined));
        const answer = await atHost(host, limit.race(line.ask(request, limit.signal)));
        return decodeAnswer(verb, answer, { where, host });
      } finally {
        limit.clear();
      }
    },
    async scanBehind(address, port) {
      const socket = await (await toFrontend()).openTunnel(address, port);
      return scanHostKey({ address, port, socket });
    },
    openTunnel: async (address, port) => (await toFrontend()).openTunnel(address, port),
    get openConnections() {
      return stillOpen().length;
    },
    close() {
      for (const lane of lanes.values()) {
        void lane.then(
          (each) => each.close(),
          () => undefined,
        );
      }
      lanes.clear();
    },
  };
}

/** A signal that fires at the caller's abort or when the time is over, whatever is being waited for. */
function deadline(
  where: string,
  host: string,
  verb: string,
  timeoutMs: number,
  outer?: AbortSignal,
) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  if (outer?.aborted) onAbort();
  outer?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    const message = `${where} did not answer ${verb} within ${timeoutMs} ms`;
    controller.abort(new Failure('Timeout', message, { host }));
  }, timeoutMs);
  const aborted = new Promise<never>((_, reject) => {
    const fail = () => reject(controller.signal.reason);
    if (controller.signal.aborted) fail();
    controller.signal.addEventListener('abort', fail, { once: true });
  });
  aborted.catch(() => undefined);
  return {
    signal: controller.signal,
    race: <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, aborted]),
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

function frontendHop(site: LibvirtSite): Hop {
  const { address, port, user, hostKey } = site.frontend;
  return { where: whereIs(site, physicalFrontend), address, port, user, hostKey };
}

function containerHop(site: LibvirtSite, name: string): Hop {
  const container = site.containers.find((each) => each.name === name);
  if (!container) {
    const known = site.containers.map((each) => each.name).join(', ');
    throw new Failure('BadInput', `site ${site.name} has no host ${name}; known: ${known}`);
  }
  const { address, port, user, hostKey } = container;
  return { where: whereIs(site, name), address, port, user, hostKey };
}

/** A machine that is two hosts must hear which of them is meant; older programs elsewhere do not know the field. */
function askedAs(site: LibvirtSite, name: string): { host?: string } {
  const container = site.containers.find((each) => each.name === name);
  return container && isFrontendToo(site, container) ? { host: name } : {};
}

function whereIs(site: LibvirtSite, host: string): string {
  return `site ${site.name}, host ${host}`;
}
