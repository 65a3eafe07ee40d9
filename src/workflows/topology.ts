import { isMeasured, topologyRequestSchema, type Topology } from '../domain/topology.ts';
import { atSiteSoon, waitingAtSite } from './activities.ts';
import { parseWorkflowInput, workflowFailure } from './failures.ts';
import { runningFrontend } from './running-frontend.ts';

/** A little more than the activity gives itself. */
const measureDeadlineMs = 270_000;

/** How far a cluster's sites are apart; measures it if that was never done, or if asked to. */
export async function clusterTopology(input: unknown): Promise<Topology> {
  const { name, measure } = parseWorkflowInput(topologyRequestSchema, input);
  try {
    const { frontend, computes } = await runningFrontend(name);
    const known = await atSiteSoon(frontend.site.name).readTopology({ frontend });
    const sites = computes.map((compute) => compute.site);
    const fresh = known !== undefined && known.measuredAt !== null && isMeasured(known, sites);
    if (fresh && !measure) return known;
    const at = waitingAtSite(frontend.site.name, measureDeadlineMs);
    return await at.measureTopology({ frontend, nodes: computes });
  } catch (error) {
    throw workflowFailure(error);
  }
}
