import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import { sameMark, type Mark, type Operation } from '../../../domain/mark.ts';
import type { Path, SeenEdge } from '../../../domain/overlay.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import { writeDurably } from '../../../transport/durable-file.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import type { SeenService, Supervisor } from '../../supervisor/supervisor.ts';
import { checkPort } from '../check-port.ts';
import { listInterfaces, type Interface } from '../interfaces.ts';
import { removeOwnTables } from '../nft-tables.ts';
import type { Ground } from './ground.ts';
import { renderLinks, type Link } from './link-config.ts';
import { linkChanges } from './link-update.ts';
import { ensureLinkKey, linkKeyFile, presharedKey } from './link-key.ts';
import { outsideTable, serviceNames, servicePrefix } from './names.ts';
import { readOpenings, requireConsent } from './outside.ts';
import { readOrder, readPaths, renderPaths } from './paths-files.ts';
import { removeRemains } from './remains.ts';
import { dhcpService, linkService, pathsService } from './services.ts';

export interface RoutedHostOptions {
  shell: Shell;
  supervisor: Supervisor;
  /** UDP ports and networks outside that the host's administrator has given to us, and where our files are. */
  policy: Pick<HostPolicy, 'udpPorts' | 'pool' | 'outside'>;
}

/** A cluster's part at one VM container. Runs there as root; changes are made under the host's lock. */
export interface RoutedHost {
  /**
   * Makes bridges, links, rules, leases and paths here exactly those of the order. What is unchanged goes
   * on undisturbed: a peer that joins or leaves touches no flow of another. Does not wait until all is up.
   *
   * @param key of the overlay, as text.
   * @throws {Failure} Forbidden for a port of others, or for an outside that the policy does not allow or from
   *   which the host forwards nothing;
   *   Conflict for an interface that is not ours, or for an outside to which there is no way.
   */
  apply(operation: Operation, order: RoutedOrder, key: string): Promise<void>;
  describe(operation: Operation): Promise<{ edges: SeenEdge[]; paths: Path[] }>;
  remove(operation: Operation): Promise<void>;
}

/** @param grounds every kind that an order may ask for. */
export function createRoutedHost(
  { shell, supervisor, policy }: RoutedHostOptions,
  grounds: readonly Ground[],
): RoutedHost {
  const directoryOf = (mark: Mark) => join(policy.pool, 'overlay', mark.clusterId);

  const prefixesOf = ({ clusterId }: Mark) => grounds.flatMap((each) => each.prefixes(clusterId));

  /** But not what this machine hands on: it may be the physical frontend, too. */
  async function ownServices(mark: Mark): Promise<SeenService[]> {
    const services = await supervisor.describe(servicePrefix(mark));
    return services
      .filter((each) => each.mark && sameMark(each.mark, mark))
      .filter(({ name }) => name !== serviceNames(mark).forward);
  }

  /** Before it is forgotten that there was a way. */
  async function closeOutside(mark: Mark): Promise<void> {
    const before = await readOrder(directoryOf(mark));
    if (before?.outside) await removeOwnTables(shell, mark, [outsideTable(mark.clusterId)]);
  }

  async function writeFiles(mark: Mark, order: RoutedOrder, key: string): Promise<Link[]> {
    const directory = directoryOf(mark);
    const own = await ensureLinkKey(policy.pool);
    const preshared = new Map(
      order.peers.map((peer) => [peer.number, presharedKey(key, own.public, peer.publicKey)]),
    );
    // In clear nothing is linked.
    const links =
      order.relays.length === 0
        ? []
        : renderLinks(mark.clusterId, order, { privateKey: own.private, preshared });
    await Promise.all([
      ...links.map(({ device, config }) => writeDurably(join(directory, `${device}.conf`), config)),
      ...[...preshared].map(([number, secret]) =>
        writeDurably(join(directory, 'psk', String(number)), secret),
      ),
    ]);
    await removeOthers(
      join(directory, 'psk'),
      order.peers.map(({ number }) => String(number)),
    );
    await removeOthers(
      directory,
      links.map(({ device }) => `${device}.conf`),
      '.conf',
    );
    await writeDurably(join(directory, 'paths.json'), renderPaths(mark.clusterId, order));
    await writeDurably(join(directory, 'order.json'), JSON.stringify(order));
    return links;
  }

  /** A link that runs takes what has changed without ending a session. */
  async function updateLink(directory: string, link: Link): Promise<void> {
    const { exitCode, stdout } = await shell.run(['wg', 'show', link.device, 'dump']);
    if (exitCode !== 0) return;
    const psk = (number: number) => join(directory, 'psk', String(number));
    const changes = linkChanges(link, stdout, { key: linkKeyFile(policy.pool), psk });
    if (changes.length > 0) await runChecked(shell, ['wg', 'set', link.device, ...changes]);
  }

  return {
    async apply({ mark }, order, key) {
      checkOrder(policy, order);
      const before = await ownServices(mark);
      refuseForeign(order, mark, await listInterfaces(shell));
      const openings = await readOpenings(shell, order.outside ?? []);
      const directory = directoryOf(mark);
      if (!order.outside) await closeOutside(mark);
      const links = await writeFiles(mark, order, key);
      const ground = groundOf(grounds, order);
      const services = [
        ground.service(mark, order, openings),
        ...links.map((link) =>
          linkService(mark, link, order, join(directory, `${link.device}.conf`)),
        ),
        dhcpService(mark, order),
        ...(links.length > 0 ? [pathsService(mark, directory)] : []),
      ];
      const kept = new Set(services.map(({ name }) => name));
      await supervisor.remove(before.map(({ name }) => name).filter((name) => !kept.has(name)));
      const devices = [...ground.devices(mark, order), ...links.map((each) => each.device)];
      await removeRemains(shell, mark, { prefixes: prefixesOf(mark), devices });
      await supervisor.ensure(services);
      for (const link of links) await updateLink(directory, link);
    },

    async describe({ mark }) {
      const services = await ownServices(mark);
      const interfaces = await listInterfaces(shell);
      const directory = directoryOf(mark);
      const order = await readOrder(directory);
      if (!order) return { edges: [], paths: [] };
      const { paths, joined, detail } = await readPaths(directory, order);
      const down = services.filter(({ up }) => !up).map(({ name }) => name);
      const ground = services.find(({ name }) => name === serviceNames(mark).ground);
      const ready = ground !== undefined && existsSync(join(ground.directory, 'ready'));
      const edges = order.edges.map(({ vm, bridge }): SeenEdge => {
        const link = interfaces.find(({ name }) => name === bridge);
        const up = ready && link?.up === true && down.length === 0;
        const why = up ? detail : detailOf(bridge, link, down);
        return { vm, up, registered: up && joined, detail: why };
      });
      return { edges, paths };
    },

    async remove({ mark }) {
      const services = await ownServices(mark);
      await supervisor.remove(services.map(({ name }) => name));
      await removeRemains(shell, mark, { prefixes: prefixesOf(mark), devices: [] });
      const order = await readOrder(directoryOf(mark));
      // Absent is right too.
      if (order) await shell.run(['ip', 'route', 'delete', 'unreachable', order.network]);
      await rm(directoryOf(mark), { recursive: true, force: true });
    },
  };
}

function groundOf(grounds: readonly Ground[], order: RoutedOrder): Ground {
  const ground = grounds.find((each) => each.isOf(order));
  if (ground) return ground;
  throw new Failure('BadInput', 'the order asks for an overlay that this program does not know', {
    help: 'the program at this host is older than the controller: run its script again',
  });
}

/** Secrets of peers and relays that have left. */
async function removeOthers(directory: string, kept: string[], ending = ''): Promise<void> {
  const files = existsSync(directory) ? await readdir(directory) : [];
  const leaving = files.filter((file) => file.endsWith(ending) && !kept.includes(file));
  await Promise.all(leaving.map((file) => rm(join(directory, file), { force: true })));
}

function detailOf(bridge: string, link: Interface | undefined, down: string[]): string {
  if (down.length > 0) return `not running: ${down.join(', ')}`;
  return link ? `its bridge ${bridge} is being made ready` : `its bridge ${bridge} is not there`;
}

function checkOrder(policy: RoutedHostOptions['policy'], order: RoutedOrder): void {
  checkPort(policy, order.port);
  const own = order.relays.find(({ number }) => number === order.self);
  if (own) checkPort(policy, own.endpoint.port);
  requireConsent(policy, order.outside ?? []);
}

/** An interface of that name without our mark is somebody else's. */
function refuseForeign(order: RoutedOrder, mark: Mark, interfaces: Interface[]): void {
  const wanted = new Set(order.edges.map(({ bridge }) => bridge));
  const clash = interfaces.find(
    (each) => wanted.has(each.name) && each.mark && !sameMark(each.mark, mark),
  );
  if (!clash) return;
  throw new Failure('Conflict', `the interface ${clash.name} is there and is not ours`, {
    help: `\`ip -d link show ${clash.name}\` at the host shows what it is`,
  });
}
