import type { LabDirectory } from './directory.ts';
import { borderOf, controllerEnd, namespaceOf, wan, type LabPlan, type LabSite } from './plan.ts';
import { run } from './run.ts';
import { setLoss } from './wan.ts';

/** An end of the WAN, with its address there. */
interface WanEnd {
  namespace: string;
  address: string;
}

/** Lets the site's wire drop all packets, or none, as the plan says. */
export async function applyCut(
  directory: LabDirectory,
  plan: LabPlan,
  site: LabSite,
): Promise<void> {
  const isCut = plan.cut?.includes(site.name) ?? false;
  if (isCut) await rememberNeighbours(plan);
  await setLoss(directory, site.name, isCut ? 100 : 0);
  if ((plan.cut ?? []).length === 0) await forgetNeighbours(plan);
}

/** Every site is on the WAN afterwards. */
export async function mendAll(directory: LabDirectory, plan: LabPlan): Promise<void> {
  for (const site of plan.sites) await setLoss(directory, site.name, 0);
  await forgetNeighbours(plan);
}

/**
 * The WAN's ends are neighbours, and a sender is told of a neighbour that is gone. On a real WAN there are routers
 * between, and a sender is told nothing: so while somebody is cut off, all keep the others' hardware addresses.
 */
async function rememberNeighbours({ id, sites }: LabPlan): Promise<void> {
  const ends = endsOf(id, sites);
  const hardware = await Promise.all(ends.map((end) => hardwareAddress(id, end)));
  for (const { namespace, address } of ends) {
    const lines = ends.flatMap((other, index) =>
      other.address === address
        ? []
        : [
            `neigh replace ${other.address} lladdr ${hardware[index]} nud permanent dev ${wan.interface}`,
          ],
    );
    await run(id, ['ip', '-n', namespace, '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
  }
}

async function forgetNeighbours({ id, sites }: LabPlan): Promise<void> {
  for (const { namespace } of endsOf(id, sites)) {
    const kept = ['dev', wan.interface, 'nud', 'permanent'] as const;
    await run(id, ['ip', '-n', namespace, 'neigh', 'flush', ...kept]);
  }
}

async function hardwareAddress(id: string, { namespace }: WanEnd): Promise<string> {
  const show = ['ip', '-j', '-n', namespace, 'link', 'show', 'dev', wan.interface] as const;
  const [link] = JSON.parse(await run(id, show)) as { address: string }[];
  return link?.address ?? '';
}

function endsOf(id: string, sites: LabSite[]): WanEnd[] {
  return [
    { namespace: namespaceOf(id, controllerEnd), address: wan.controllerAddress },
    ...sites.map((site) => ({
      namespace: namespaceOf(id, borderOf(site)),
      address: site.wanAddress,
    })),
  ];
}
