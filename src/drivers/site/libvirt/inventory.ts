import { Failure } from '../../../domain/failure.ts';
import type { Mark } from '../../../domain/mark.ts';
import { domainUuid } from '../domain-uuid.ts';
import { isMarked, type Marked, type PresentDomain } from '../reservation.ts';
import { parseMark, type DomainMark } from './domain-mark.ts';
import type { Virsh } from './virsh.ts';
import { child, childrenNamed, parseXml, type XmlElement } from './xml.ts';

/** A domain at this host, whoever made it. */
export interface Domain extends PresentDomain {
  mark?: DomainMark;
  /** QEMU holds it still since its disk could not be written (the pool was full): it goes on when told to. */
  stalled?: true;
}

/** Questions to libvirtd at once. */
const width = 4;

/** Every domain at this host, defined or only running. */
export async function listDomains(virsh: Virsh): Promise<Domain[]> {
  const [powers, uuids] = await Promise.all([readPowers(virsh), listUuids(virsh)]);
  const found: Domain[] = [];
  for (let start = 0; start < uuids.length; start += width) {
    const batch = uuids.slice(start, start + width);
    const read = await Promise.all(batch.map((uuid) => readDomain(virsh, uuid, powers)));
    found.push(...read.filter((each) => each !== undefined));
  }
  return found;
}

/** Those of one cluster. */
export async function listMarked(virsh: Virsh, mark: Mark): Promise<Marked<Domain>[]> {
  return (await listDomains(virsh)).filter((each) => isMarked(each, mark));
}

/**
 * One VM of a cluster, found by its derived UUID: quicker than to read them all.
 *
 * @throws {Failure} NotFound if it is not there, or is not the cluster's.
 */
export async function findMarked(virsh: Virsh, mark: Mark, vm: string): Promise<Marked<Domain>> {
  const uuid = domainUuid(mark, vm);
  const document = await readDocument(virsh, uuid);
  const found = document === undefined ? undefined : parseDomain(document, 'off');
  if (found && isMarked(found, mark)) return found;
  throw absent(mark, vm);
}

export function absent(mark: Mark, vm: string): Failure {
  return new Failure('NotFound', `this VM container has no VM ${vm} of cluster ${mark.cluster}`, {
    help: 'its reservation may have run out: `mvc create` again makes it anew',
  });
}

async function listUuids(virsh: Virsh): Promise<string[]> {
  const output = await virsh(['list', '--all', '--uuid']);
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Reads by name: `domstats` does not tell UUIDs. Names are unique at a host. */
async function readPowers(virsh: Virsh): Promise<Map<string, Power>> {
  const powers = new Map<string, Power>();
  for (const block of (await virsh(['domstats', '--state'])).split(/^Domain: /m).slice(1)) {
    const name = /^'(.*)'$/m.exec(block)?.[1];
    const state = Number(/^\s*state\.state=(\d+)$/m.exec(block)?.[1]);
    const reason = Number(/^\s*state\.reason=(\d+)$/m.exec(block)?.[1]);
    if (name !== undefined) powers.set(name, powerOf(state, reason));
  }
  return powers;
}

type Power = Pick<Domain, 'power' | 'stalled'>;

/** Numbers of libvirt's virDomainState, virDomainShutoffReason and virDomainPausedReason. */
function powerOf(state: number, reason: number): Power {
  const paused = 3;
  const shutOff = 5;
  const crashed = 6;
  const offBecauseCrashed = 3;
  const pausedBecauseOfDisk = 5;
  if (state === crashed || (state === shutOff && reason === offBecauseCrashed)) {
    return { power: 'crashed' };
  }
  if (state === shutOff) return { power: 'off' };
  const stalled = state === paused && reason === pausedBecauseOfDisk;
  return { power: 'running', ...(stalled ? { stalled } : {}) };
}

async function readDomain(
  virsh: Virsh,
  uuid: string,
  powers: Map<string, Power>,
): Promise<Domain | undefined> {
  const document = await readDocument(virsh, uuid);
  if (document === undefined) return undefined;
  const domain = parseDomain(document, 'off');
  return { ...domain, ...powers.get(domain.name) };
}

async function readDocument(virsh: Virsh, uuid: string): Promise<string | undefined> {
  try {
    return await virsh(['dumpxml', '--domain', uuid]);
  } catch (error) {
    // If it is there, or came back in the meantime, the failure is another one.
    if ((await listUuids(virsh)).includes(uuid)) throw error;
    return undefined;
  }
}

function parseDomain(document: string, power: Domain['power']): Domain {
  const root = parseXml(document);
  const mark = parseMark(root);
  return {
    uuid: child(root, 'uuid')?.text ?? '',
    name: child(root, 'name')?.text ?? '',
    cpus: Number(child(root, 'vcpu')?.text ?? 1),
    memoryMiB: Math.max(inMiB(child(root, 'memory')), inMiB(child(root, 'currentMemory'))),
    macs: childrenNamed(child(root, 'devices'), 'interface').flatMap((each) => {
      const mac = child(each, 'mac')?.attributes['address'];
      return mac === undefined ? [] : [mac.toLowerCase()];
    }),
    power,
    ...(mark ? { mark } : {}),
  };
}

const kibPer: Record<string, number> = { KiB: 1, MiB: 1024, GiB: 1024 ** 2 };

/** Libvirt always prints KiB; other units are read so that a change there is no silent error. */
function inMiB(size: XmlElement | undefined): number {
  if (!size) return 0;
  const factor = kibPer[size.attributes['unit'] ?? 'KiB'];
  if (factor === undefined) {
    throw new Failure('Protocol', `libvirt tells memory in ${size.attributes['unit']}`);
  }
  return Math.ceil((Number(size.text) * factor) / 1024);
}
