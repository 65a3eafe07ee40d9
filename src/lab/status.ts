import type { LabDirectory } from './directory.ts';
import { isReady, machineInit } from './machine.ts';
import { machinesOf, natOf, type LabPlan, type NatKind } from './plan.ts';
import { findProcesses } from './processes.ts';
import { wanEnds } from './wan.ts';

/** A lab as it is. */
export interface LabReport {
  home: string;
  id: string;
  rttMs: number;
  /** Everything that the plan names is there and runs. */
  complete: boolean;
  sites: {
    name: string;
    /** Of its physical frontend on the WAN. */
    publicAddress: string;
    nat: NatKind;
    /** Where its sshd is offered on this machine. */
    door: string;
    file: string;
    keyFile: string;
    /** Its wire to the WAN and its door work, the wire is not cut, and the door leads to the site's address. */
    connected: boolean;
    machines: { name: string; address: string; running: boolean; pid?: number }[];
  }[];
  /** The sites as `mvc site add -f` takes them. */
  siteFiles: string[];
}

export function labReport(directory: LabDirectory, plan: LabPlan): LabReport {
  const running = new Set(findProcesses(plan.id).map((each) => each.role));
  const has = (...roles: string[]) => roles.every((role) => running.has(role));
  const sites = plan.sites.map((site) => ({
    name: site.name,
    publicAddress: site.wanAddress,
    nat: natOf(site),
    door: `127.0.0.1:${site.doorPort}`,
    file: directory.siteFile(site.name),
    keyFile: directory.keyFile(site.name),
    connected:
      has(
        `wan:${site.name}`,
        `wire:${site.name}`,
        `door-near:${site.name}`,
        `door-far:${site.name}`,
      ) &&
      !plan.cut?.includes(site.name) &&
      site.doorAddress === undefined,
    machines: [site.frontend, ...site.containers].map((machine) => {
      const pid = machineInit(directory, machine);
      return {
        name: machine.name,
        address: machine.lanAddress,
        running: isReady(directory, machine),
        ...(pid === undefined ? {} : { pid }),
      };
    }),
  }));
  const complete =
    has('wan:hub', ...wanEnds(plan).flatMap((end) => [`wan:${end}`, `wire:${end}`])) &&
    sites.every((site) => site.connected && site.machines.every((machine) => machine.running)) &&
    machinesOf(plan).length > 0;
  return {
    home: directory.home,
    id: plan.id,
    rttMs: plan.rttMs,
    complete,
    sites,
    siteFiles: sites.map((site) => site.file),
  };
}
