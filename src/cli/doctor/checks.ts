import type { Inventory } from '../../domain/results.ts';
import { controlQueue, siteQueue } from '../../domain/engine-names.ts';
import type { Home } from '../../installation/home.ts';
import { temporalSettings } from '../../installation/settings.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { SiteRecord } from '../../store/sites.ts';
import { withStore } from '../context.ts';
import { ok, type Check } from './check.ts';
import { checkClocks } from './clocks.ts';
import { checkDatabase } from './database.ts';
import { judgeQueues, judgeSchedules, judgeSearchAttributes } from './engine.ts';
import { checkSecrets, checkSiteKeys } from './files.ts';
import { checkImages } from './image.ts';
import { checkDisk, checkMemory, checkNode } from './machine.ts';
import { checkPorts, checkServices, checkWorkers } from './services.ts';
import { checkSite } from './sites.ts';

/** Longer than a site's own time-outs: its sentence is worth more than ours. */
const siteWithinMs = 90_000;

/** What the database knows; asked for once. */
export interface Recorded {
  sites: SiteRecord[];
  clusters: ClusterRecord[];
}

/**
 * All that is looked at, in the order in which it is told. To add something: a file with a function that
 * judges and one that looks, and a line here.
 *
 * @param recorded undefined if the database does not answer, which is told by its own check.
 * @param askSite what carries our mark at one site.
 */
export function installationChecks(
  home: Home,
  recorded: Recorded | undefined,
  askSite: (site: string) => Promise<Inventory>,
): Check[] {
  return [
    { name: 'node', run: checkNode },
    { name: 'disk', run: () => checkDisk(home) },
    { name: 'memory', run: checkMemory },
    { name: 'secrets', run: () => checkSecrets(home) },
    { name: 'services', run: () => checkServices(home, namesServers(process.env)) },
    { name: 'ports', run: () => checkPorts(home) },
    { name: 'workers', run: () => checkWorkers(home) },
    { name: 'database', run: () => checkDatabase(askDatabase) },
    ...checksOf(home, recorded ?? { sites: [], clusters: [] }, askSite),
  ];
}

/** What is compared with what there should be. */
function checksOf(
  home: Home,
  { sites, clusters }: Recorded,
  askSite: (site: string) => Promise<Inventory>,
): Check[] {
  const definitions = sites.map(({ site }) => site);
  const rolls = clusters.map(({ spec }) => spec.rolls);
  return [
    { name: 'engine', run: () => checkEngine(home, { sites, clusters }) },
    { name: 'node image', run: () => checkImages(rolls, (wanted) => findImage(home, wanted)) },
    { name: 'site keys', run: () => checkSiteKeys(definitions) },
    ...sites.map((record) => ({
      name: `site ${record.site.name}`,
      withinMs: siteWithinMs,
      run: () => checkSite(record, askSite),
    })),
    // From this machine, past the workers: a question that waits in a queue cannot tell the time.
    ...sites
      .filter(({ state }) => state === 'ready')
      .map(({ site }) => ({
        name: `clocks ${site.name}`,
        withinMs: siteWithinMs,
        run: () => checkClocks(site),
      })),
  ];
}

async function checkEngine(home: Home, { sites, clusters }: Recorded) {
  const ready = sites.filter(({ state }) => state === 'ready');
  const queues = [controlQueue, ...ready.map(({ site }) => siteQueue(site.name))];
  const { readEngineFacts } = await import('../../client/engine-facts.ts');
  const facts = await readEngineFacts(await temporalSettings(home), queues);
  const watched = clusters.filter(({ phase }) => phase === 'ready').map(({ name }) => name);
  return [
    ok('engine', `Temporal ${facts.version} answers`),
    judgeSearchAttributes(facts.searchAttributes),
    ...judgeSchedules(watched, facts.schedules),
    ...judgeQueues(queues, facts.workers),
  ];
}

async function askDatabase() {
  const { readServerFacts } = await import('../../store/server-facts.ts');
  return withStore(readServerFacts);
}

async function findImage(home: Home, rolls: string[]) {
  const { findNodeImage } = await import('../../image/kept/find-image.ts');
  return findNodeImage(home.images, rolls);
}

/** Whether the environment names servers that go before those of `mvc up`. */
function namesServers(env: NodeJS.ProcessEnv): boolean {
  return ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'PGHOST'].some((name) => Boolean(env[name]));
}
