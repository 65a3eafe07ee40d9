import { renderAll, type ContainerFiles } from './files.ts';
import { planLarge, planOneMore } from './world.ts';

/** The large cluster before and after one VM more, and what its planning and rendering take. */
export interface Model {
  before: ContainerFiles[];
  after: ContainerFiles[];
  planMs: number;
  replanMs: number;
  renderMs: number;
  renderAgainMs: number;
  /** Name of a file → at how many containers one VM more changes it. */
  changed: Map<string, number>;
}

export function buildModel(): Model {
  // The first run of a function is that of a program that has just been started; hosts and workers go on.
  renderAll(planOneMore(planLarge()).overlay);
  const first = timed(planLarge);
  const second = timed(() => planOneMore(first.value));
  const before = timed(() => renderAll(first.value.overlay));
  const after = timed(() => renderAll(second.value.overlay));
  return {
    before: before.value,
    after: after.value,
    planMs: first.ms,
    replanMs: second.ms,
    renderMs: before.ms,
    renderAgainMs: after.ms,
    changed: countChanges(before.value, after.value),
  };
}

export function bytesOf({ links, files }: ContainerFiles): number {
  return [...links.values(), ...files.values()].reduce((sum, text) => sum + text.length, 0);
}

/** Lines that decide about packets, in the tables that guard and fence. */
export function rulesOf({ files }: ContainerFiles): number {
  const lines = (files.get('rules.nft') ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => /\b(accept|drop|jump \w+)( comment "[^"]*")?$/.test(line)).length;
}

function countChanges(before: ContainerFiles[], after: ContainerFiles[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const now of after) {
    const old = before.find(({ name }) => name === now.name);
    for (const [name, text] of [...now.files, ...now.links]) {
      const same = (old?.files.get(name) ?? old?.links.get(name)) === text;
      const part = now.links.has(name) ? `${name.slice(10)}.conf` : name;
      counts.set(part, (counts.get(part) ?? 0) + (same ? 0 : 1));
    }
  }
  return counts;
}

function timed<T>(work: () => T): { value: T; ms: number } {
  const begin = performance.now();
  const value = work();
  return { value, ms: performance.now() - begin };
}
