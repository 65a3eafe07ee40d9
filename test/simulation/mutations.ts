import type { Mutation } from './engine/hooks.ts';

/** A bug that is planted in the product's code to see that the simulation finds it. */
export interface PlantedBug {
  what: string;
  changes: Mutation[];
}

const memoryWorld = 'src/drivers/site/memory/memory-world.ts';
const memoryDriver = 'src/drivers/site/memory/driver.ts';
const reservation = 'src/drivers/site/reservation.ts';

export const mutations: Record<string, PlantedBug> = {
  'no epoch check': {
    what: 'a site carries out what an older operation asks for',
    changes: [
      { file: memoryWorld, from: 'if (last && epoch < last.epoch) {', to: 'if (epoch < 0) {' },
    ],
  },
  'lost answer taken as success': {
    what: 'an activity that got no answer from its site ends as if all were done',
    changes: [
      {
        file: 'src/activities/activity.ts',
        from: '    const tookMs = ',
        to: "    if (toFailure(error).kind === 'Unreachable') return [] as T;\n    const tookMs = ",
      },
    ],
  },
  'running VMs are started': {
    what: 'a start does not look whether the VM runs already',
    changes: [
      {
        file: memoryDriver,
        from: "const off = wanted.filter((domain) => domain.power !== 'running');",
        to: 'const off = wanted;',
      },
    ],
  },
  'mark not compared': {
    what: "a reservation takes any marked VM of that name for the cluster's own",
    changes: [
      {
        file: reservation,
        from: '.filter((each) => isMarked(each, operation.mark))\n    .find(',
        to: '.filter((each) => isMarked(each))\n    .find(',
      },
    ],
  },
  'others removed': {
    what: 'a removal takes everything that is marked, whosever it is',
    changes: [
      {
        file: memoryDriver,
        from: 'return state.domains.filter((domain) => isMarked(domain, operation.mark));',
        to: 'return state.domains.filter((domain) => isMarked(domain));',
      },
    ],
  },
  'capacity not counted': {
    what: 'a reservation does not look at what is left of the cpus',
    changes: [
      {
        file: reservation,
        from: '...(needs.cpus > Math.max(0, free.cpus)',
        to: '...(needs.cpus > 1_000_000',
      },
    ],
  },
  'parked step dropped': {
    what: 'a step that has used up its retries is taken for done',
    changes: [
      {
        file: 'src/workflows/steps.ts',
        from: '        const action = await this.park(record(), parked);',
        to: '        const action = await this.park(record(), parked);\n        if (site !== undefined) return undefined as T;',
      },
    ],
  },
  'gang not given back': {
    what: 'a gang that cannot be complete is forgotten while its other sites hold what they gave',
    changes: [
      {
        file: 'src/workflows/build-cluster.ts',
        from: 'scope.sites.map(async (site) => releaseSoon(await control.siteShare({ operation, site }))),',
        to: 'scope.sites.map(async () => undefined),',
      },
    ],
  },
  'destroy does not ask what is left': {
    what: 'a destroy whose removal of VMs failed forgets the cluster all the same',
    changes: [
      {
        file: 'src/workflows/destroy-site.ts',
        from: "await steps.run('vms', site, reserve.undo, givenUp);",
        to: 'await reserve.undo().catch(() => undefined);',
      },
      {
        file: 'src/workflows/destroy-site.ts',
        from: 'if (left.length === 0) return;',
        to: 'return;',
      },
    ],
  },
};
