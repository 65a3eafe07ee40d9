import type { ClusterPhase } from '../../src/domain/cluster.ts';
import { isToRun } from '../../src/domain/vm-state.ts';
import type { WorldState } from '../../src/drivers/site/memory/world-state.ts';
import type { Checker } from './checker.ts';
import type { VmRecord } from '../../src/store/vms.ts';
import type { Tables } from './store/tables.ts';

/** Notes each phase of each cluster; one that is called ready must have all its VMs running. */
export function phaseWatcher(checker: Checker, log: (line: string) => void) {
  const known = new Map<string, ClusterPhase>();
  return (tables: Tables, state: WorldState): void => {
    for (const { name, id, phase, conditions } of tables.clusters.values()) {
      if (known.get(name) === phase) continue;
      known.set(name, phase);
      log(`= ${name} ${id} is ${phase}`);
      if (phase !== 'ready') continue;
      const told = conditions.find((condition) => condition.type === 'Drift')?.message ?? '';
      const lame = notRunning(tables, state, name).filter(
        ({ name: vm, site }) =>
          !checker.isExcused(id, vm) &&
          !told.includes(vm) &&
          !told.includes(`site ${site} did not answer`),
      );
      if (lame.length > 0) {
        checker.fail(
          `${name} is called ready, but ${lame.map((vm) => vm.name).join(', ')} do not run`,
        );
      }
    }
    for (const name of known.keys()) {
      if (tables.clusters.has(name)) continue;
      known.delete(name);
      log(`= ${name} is no longer recorded`);
    }
  };
}

/** VMs that are to run, and do not. */
export function notRunning(tables: Tables, state: WorldState, name: string): VmRecord[] {
  const cluster = tables.clusters.get(name);
  const wanted = (tables.vms.get(name) ?? []).map((row) => row.vm).filter(isToRun);
  return wanted.filter(
    (vm) =>
      !state.sites[vm.site]?.domains.some(
        ({ mark, power }) =>
          mark?.mark.clusterId === cluster?.id && mark?.vm === vm.name && power === 'running',
      ),
  );
}
