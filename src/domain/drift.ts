import type { SeenEdge } from './overlay.ts';
import type { NodeState } from './cluster.ts';
import type { SeenVm } from './vm.ts';

/** Something that is not as it should be. */
export interface Finding {
  site: string;
  /** `mac`: another domain has a MAC of the VM, which only a person can mend. */
  kind: 'site' | 'vm' | 'edge' | 'supernode' | 'node' | 'mac';
  /** Of the VM; of the site for `site` and `supernode`. */
  name: string;
  /** For a person: `VM compute-beach-0 is crashed`. */
  message: string;
}

/** What a repair can do something about. */
export function isMendable({ kind }: Finding): boolean {
  return kind !== 'site' && kind !== 'mac';
}

/** One site's part of a cluster as it should be. */
export interface WantedAtSite {
  site: string;
  isOrigin: boolean;
  /** Names of VMs that are to run. */
  running: string[];
  /** Names of VMs that are to be there, off. */
  stopped: string[];
  /** Names of VMs that are to go, and were left behind when they should have gone. */
  leaving: string[];
}

/** What a site tells of its part; absent parts were not asked for. */
export interface SeenAtSite {
  vms: SeenVm[];
  edges: SeenEdge[];
  /** At the origin, of an overlay that has one. */
  supernodeUp?: boolean;
}

/** A site's answer, or why there is none. */
export type SiteView = { seen: SeenAtSite } | { silent: string };

/**
 * Compares what should be with what is. Pure.
 *
 * @param nodes what the scheduler says; undefined if the frontend was not asked or did not answer.
 */
export function findDrift(
  wanted: WantedAtSite[],
  views: Record<string, SiteView>,
  nodes: NodeState[] | undefined,
): Finding[] {
  const supernodeDown = Object.values(views).some(
    (view) => 'seen' in view && view.seen.supernodeUp === false,
  );
  const findings = wanted.flatMap((site) => driftAtSite(site, views[site.site], supernodeDown));
  if (nodes === undefined) return findings;
  const amiss = new Set(findings.map((finding) => finding.name));
  for (const { site, running } of wanted) {
    for (const name of running.filter((each) => each !== 'frontend' && !amiss.has(each))) {
      const node = nodes.find((each) => each.name === name);
      if (node?.phase === 'idle' || (node && isPassing(node))) continue;
      const state = node ? `${node.state}, ${node.phase}` : 'unknown to it';
      findings.push({
        site,
        kind: 'node',
        name,
        message: `node ${name} does not serve the scheduler (${state})`,
      });
    }
  }
  return findings;
}

/** An administrator's own decision is no drift. */
function isPassing(node: NodeState): boolean {
  return node.state === 'drained';
}

function driftAtSite(
  wanted: WantedAtSite,
  view: SiteView | undefined,
  supernodeDown: boolean,
): Finding[] {
  const { site } = wanted;
  if (view === undefined || 'silent' in view) {
    const why = view === undefined ? 'it was not asked' : view.silent;
    return [{ site, kind: 'site', name: site, message: `site ${site} did not answer: ${why}` }];
  }
  const { vms, edges, supernodeUp } = view.seen;
  const findings: Finding[] = [];
  for (const name of wanted.running) {
    const vm = vms.find((each) => each.name === name);
    if (vm?.power === 'running') continue;
    const state = vm === undefined ? 'gone' : vm.power;
    findings.push({ site, kind: 'vm', name, message: `VM ${name} at site ${site} is ${state}` });
  }
  for (const name of wanted.leaving) {
    const message = `VM ${name} is still to be removed from site ${site}`;
    findings.push({ site, kind: 'vm', name, message });
  }
  for (const name of [...wanted.running, ...wanted.stopped]) {
    const edge = edges.find((each) => each.vm === name);
    // Without its supernode no edge is registered, and each comes back with it by itself.
    if (edge?.up && (edge.registered || supernodeDown)) continue;
    const state = edge === undefined ? 'gone' : edge.up ? 'not registered' : 'down';
    findings.push({
      site,
      kind: 'edge',
      name,
      message: `the edge of ${name} at site ${site} is ${state}`,
    });
  }
  if (wanted.isOrigin && supernodeUp === false) {
    findings.push({
      site,
      kind: 'supernode',
      name: site,
      message: `the supernode at site ${site} is down`,
    });
  }
  return findings;
}
