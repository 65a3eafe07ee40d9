import { createHash } from 'node:crypto';
import { sameMark, type Mark, type Operation } from '../../../domain/mark.ts';
import { readNodesUpdate, type NodesUpdate } from './nodes-archive.ts';
import type { FrontendState, MemoryDomain, WorldState } from './world-state.ts';

/** All computes of a cluster, at whatever site. */
export function computesOf(world: WorldState, mark: Mark): MemoryDomain[] {
  return Object.values(world.sites)
    .flatMap((site) => site.domains)
    .filter((domain) => {
      const own = domain.mark;
      return own?.definition.role === 'compute' && sameMark(own.mark, mark);
    });
}

/**
 * A frontend gets its seed. Seeds stay sealed in memory, so it is the world that tells: the computes
 * that there are at this moment, and those that it was told of before, which the true seed, rendered
 * from the record, holds even while their VMs are gone.
 */
export function seedFrontend(world: WorldState, { mark, epoch }: Operation): void {
  const frontend = frontendOf(world, mark);
  const present = computesOf(world, mark).map((compute) => compute.mark?.vm ?? '');
  takeUp(frontend, { epoch, computes: [...new Set([...frontend.told, ...present])] });
}

export function frontendOf(world: WorldState, mark: Mark): FrontendState {
  return (world.frontends[mark.clusterId] ??= { epoch: 0, told: [], drained: [], pieces: {} });
}

/** What `update-nodes` of a node image does. @returns why and with which status it refused, if it did. */
export function updateNodes(
  frontend: FrontendState,
  [command, digest = '', number = '']: string[],
  stdin: string,
): { status: number; why: string } | undefined {
  if (command === 'add') {
    (frontend.pieces[digest] ??= [])[Number(number)] = stdin;
    return undefined;
  }
  const pieces = frontend.pieces[digest] ?? [];
  const archive = Buffer.from(pieces.slice(0, Number(number)).join(''), 'base64');
  if (createHash('sha256').update(archive).digest('hex') !== digest) {
    return { status: 1, why: 'the archive is not whole' };
  }
  const update = readNodesUpdate(archive);
  if (update.epoch < frontend.epoch) {
    return { status: 3, why: 'a later operation has told this frontend its nodes already' };
  }
  takeUp(frontend, update);
  return undefined;
}

function takeUp(frontend: FrontendState, { epoch, computes }: NodesUpdate): void {
  const drained = frontend.drained.filter((name) => computes.includes(name));
  Object.assign(frontend, { epoch, told: computes, drained, pieces: {} });
}
