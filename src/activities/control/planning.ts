import { randomBytes } from 'node:crypto';
import type { ClusterSpec } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import type { ChangedPlan } from '../../domain/plan-change.ts';
import type { Ledger, SurveyedSite } from '../../domain/plan-input.ts';
import { MacTaken, planCluster, type ClusterPlan } from '../../domain/plan.ts';
import { replanCluster } from '../../domain/replan.ts';
import { withoutLapsed } from '../../domain/site.ts';
import { checkRolls } from '../../rolls/rolls.ts';
import type { Database } from '../../store/database.ts';
import { readLedger } from '../../store/ledger.ts';
import type { RecordedPlan } from '../../store/plans.ts';
import { listSites } from '../../store/sites.ts';
import { refuseDestroying } from './permission.ts';

const planAttempts = 5;

/** Plans a new cluster from what the sites said last. @throws {Failure} as `planCluster`. */
export async function planNew(
  db: Database,
  spec: ClusterSpec,
  ledger: Ledger,
  installation: string,
): Promise<{ plan: ClusterPlan; sites: SurveyedSite[] }> {
  checkRolls(spec.rolls);
  const { sites, elsewhere } = await surveyedSites(db, spec, { installation });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const clusterId = randomBytes(6).toString('hex');
      return { plan: planCluster({ spec, clusterId, sites, elsewhere, ledger }), sites };
    } catch (error) {
      // Another id gives other MACs; a clash of 24 random bits does not happen five times.
      if (!(error instanceof MacTaken) || attempt === planAttempts) throw error;
    }
  }
}

/**
 * Plans what another spec makes of a recorded cluster, from what the sites said last.
 *
 * @throws {Failure} as `replanCluster`.
 */
export async function planChange(
  db: Database,
  recorded: RecordedPlan,
  spec: ClusterSpec,
): Promise<ChangedPlan & { sites: SurveyedSite[] }> {
  refuseDestroying(recorded);
  checkRolls(spec.rolls);
  const { cluster, vms, overlay } = recorded;
  const { installation, id: clusterId } = cluster;
  const { sites, elsewhere } = await surveyedSites(db, spec, { installation, clusterId });
  const ledger = await readLedger(db, namesOf(spec));
  const { network, readyAt } = cluster;
  const before = { spec: cluster.spec, network, vms, overlay, wasReady: readyAt !== undefined };
  const input = { spec, clusterId, sites, elsewhere, ledger };
  return { ...replanCluster(input, before), sites };
}

export function namesOf(spec: ClusterSpec): string[] {
  return spec.sites.map((site) => site.name);
}

/** What the sites said last: those of the spec as a reservation of that cluster will find them. */
async function surveyedSites(
  db: Database,
  spec: ClusterSpec,
  asker: { installation: string; clusterId?: string },
): Promise<{ sites: SurveyedSite[]; elsewhere: SurveyedSite[] }> {
  const registered = (await listSites(db)).flatMap(({ site, facts }) =>
    facts ? [{ site, facts }] : [],
  );
  const names = namesOf(spec);
  const sites = names.map((name) => {
    const { site, facts } = surveyed(registered, name);
    return { site, facts: withoutLapsed(facts, asker) };
  });
  return { sites, elsewhere: registered.filter(({ site }) => !names.includes(site.name)) };
}

function surveyed(registered: SurveyedSite[], name: string): SurveyedSite {
  const found = registered.find(({ site }) => site.name === name);
  if (found) return found;
  throw new Failure('BadInput', `site ${name} is not registered`, {
    help: '`mvc site add` registers a site',
  });
}
