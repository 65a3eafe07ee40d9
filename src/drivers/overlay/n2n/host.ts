import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import { sameMark, type Mark, type Operation } from '../../../domain/mark.ts';
import type { Edge, OverlayTable, SeenEdge } from '../../../domain/overlay.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import type { Shell } from '../../../transport/shell.ts';
import type { SeenService, Supervisor } from '../../supervisor/supervisor.ts';
import type { N2nEdge } from './argv.ts';
import { edgePrefix, edgeService } from './edge-service.ts';
import { checkPort } from '../check-port.ts';
import { listInterfaces, type Interface } from '../interfaces.ts';
import { removeRemains } from './remains.ts';

export interface N2nHostOptions {
  shell: Shell;
  supervisor: Supervisor;
  /** UDP ports that the host's administrator has given to us. */
  policy: Pick<HostPolicy, 'udpPorts'>;
  /** Path or name of `edge`. */
  program?: string;
}

/** A cluster's edges at one VM container. Runs there as root; changes are made under the host's lock. */
export interface N2nHost {
  /**
   * Makes the edges here exactly those that the table has for this container. Unchanged ones go on
   * undisturbed. Does not wait until they are up.
   *
   * @param key of the overlay, as text.
   */
  apply(operation: Operation, container: string, table: OverlayTable, key: string): Promise<void>;
  describe(operation: Operation): Promise<SeenEdge[]>;
  remove(operation: Operation): Promise<void>;
}

export function createN2nHost(options: N2nHostOptions): N2nHost {
  const { shell, supervisor, policy } = options;

  async function ownServices(mark: Mark): Promise<SeenService[]> {
    const services = await supervisor.describe(edgePrefix(mark));
    return services.filter((each) => each.mark && sameMark(each.mark, mark));
  }

  async function removeEdges(mark: Mark, keep: Set<string>): Promise<void> {
    const services = await ownServices(mark);
    const leaving = services.filter((each) => !keep.has(each.name));
    await supervisor.remove(leaving.map((each) => each.name));
    const staying = services.filter((each) => keep.has(each.name));
    await removeRemains(
      shell,
      mark,
      staying.map((each) => each.env),
    );
  }

  return {
    async apply({ mark }, container, table, key) {
      const { supernode } = table;
      if (!supernode) throw new Failure('BadInput', 'an n2n overlay needs a supernode');
      checkKey(key);
      const edges = table.edges.filter((edge) => edge.container === container).map(withPort);
      for (const edge of edges) checkPort(policy, edge.udpPort);
      refuseForeign(edges, mark, await listInterfaces(shell), await ownServices(mark));
      const secret = { key, program: options.program ?? 'edge' };
      const services = edges.map((edge) => edgeService(mark, table, edge, supernode, secret));
      await removeEdges(mark, new Set(services.map((service) => service.name)));
      await supervisor.ensure(services);
    },

    async describe({ mark }) {
      const services = await ownServices(mark);
      const interfaces = await listInterfaces(shell);
      return services.map((service) => seeEdge(mark, service, interfaces));
    },

    async remove({ mark }) {
      await removeEdges(mark, new Set());
    },
  };
}

function seeEdge(mark: Mark, service: SeenService, interfaces: Interface[]): SeenEdge {
  const tap = interfaces.find((each) => each.name === service.env['EDGE_TAP']);
  const joined = tap?.bridge !== undefined && tap.bridge === service.env['EDGE_BRIDGE'];
  const up = service.up && joined && tap.up;
  // n2n 1.3 tells of its registration in its log alone, once: that it holds is not known.
  const registered = up && existsSync(join(service.directory, 'registered'));
  const detail = registered
    ? 'the supernode has answered since the edge started'
    : `the edge ${service.up ? 'runs' : 'does not run'}, its tap is ${joined ? 'in' : 'not in'} its bridge`;
  return { vm: service.name.slice(edgePrefix(mark).length), up, registered, detail };
}

/** An interface of that name without our mark is somebody else's. */
function refuseForeign(
  edges: Edge[],
  mark: Mark,
  interfaces: Interface[],
  services: SeenService[],
): void {
  // The tap of an edge that is just being started has no mark yet.
  const starting = new Set(services.map((service) => service.env['EDGE_TAP']));
  const wanted = new Set(edges.flatMap((edge) => [edge.tap, edge.bridge]));
  const clash = interfaces.find(
    (each) =>
      wanted.has(each.name) &&
      !starting.has(each.name) &&
      !(each.mark && sameMark(each.mark, mark)),
  );
  if (!clash) return;
  throw new Failure('Conflict', `the interface ${clash.name} is there and is not ours`, {
    help: `\`ip -d link show ${clash.name}\` at the host shows what it is`,
  });
}

function withPort(edge: Edge): N2nEdge {
  if (edge.udpPort !== undefined) return { ...edge, udpPort: edge.udpPort };
  throw new Failure('BadInput', `the edge of ${edge.vm} has no UDP port, and n2n needs one`);
}

function checkKey(key: string): void {
  // The key is not shown.
  if (!/^[A-Za-z0-9_-]{16,64}$/.test(key)) {
    throw new Failure('BadInput', 'the key of the overlay is not 16 to 64 letters and digits');
  }
}
