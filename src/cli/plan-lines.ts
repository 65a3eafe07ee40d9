import type { ClusterPlan } from '../domain/plan.ts';
import { isEmptyChange, type PlanChange, type PlanPreview } from '../domain/plan-change.ts';
import type { ContainerRoom } from '../domain/plan-rooms.ts';
import type { Vm } from '../domain/vm.ts';
import { estimateLine } from './estimate-line.ts';
import { tableLines } from './output.ts';

/** What a spec would make, or change of a cluster that is there. */
export function previewLines(preview: PlanPreview): string[] {
  const { plan, change } = preview;
  if (change === undefined) return [...planLines(plan), ...outlookLines(preview, 'build')];
  if (isEmptyChange(change))
    return [`cluster ${plan.cluster} is as the spec says: nothing to change`];
  return [
    `cluster ${plan.cluster} is there; this would change:`,
    ...changeLines(change),
    ...outlookLines(preview, 'scale'),
  ];
}

/** The room before and after, and the time. */
function outlookLines({ rooms, estimate }: PlanPreview, kind: 'build' | 'scale'): string[] {
  if (!rooms) return [];
  return ['', ...roomTable(rooms), '', estimateLine(estimate, kind)];
}

function roomTable(rooms: ContainerRoom[]): string[] {
  const arrow = (before: number, after: number) => `${before} → ${after}`;
  return tableLines(
    ['SITE', 'CONTAINER', 'FREE CPUS', 'FREE MEMORY'],
    rooms.map(({ site, container, free, after }) => [
      site,
      container,
      arrow(free.cpus, after.cpus),
      `${arrow(free.memoryMiB, after.memoryMiB)} MiB`,
    ]),
  );
}

export function planLines(plan: ClusterPlan): string[] {
  const { overlay, network, warnings } = plan;
  const way = overlay.relayOnly ? 'everything by the supernode' : 'direct where possible';
  return [
    ...vmTable(plan.vms),
    '',
    `overlay ${overlay.kind} ${overlay.version} on ${network}, MTU ${overlay.mtu}, ${way}`,
    ...(overlay.supernode
      ? [
          `supernode at site ${overlay.supernode.site}, ${overlay.supernode.address}:${overlay.supernode.port}/udp`,
        ]
      : []),
    ...(overlay.outside
      ? [`outside the overlay, by their VM containers, VMs reach ${overlay.outside.join(', ')}`]
      : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

/** The difference that a spec makes: its lines, then the VMs. */
export function changeLines({ spec, added, changed, removed }: PlanChange): string[] {
  return [
    ...spec.map((line) => `  ~ ${line}`),
    ...section('VMs to be made:', vmTable(added)),
    ...section('VMs to be stopped and made anew:', vmTable(changed)),
    ...section('VMs to be drained and removed:', removed),
  ];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function vmTable(vms: Vm[]): string[] {
  return tableLines(
    ['VM', 'ROLE', 'SITE', 'CONTAINER', 'MAC', 'ADDRESS', 'CPUS', 'MEMORY'],
    vms.map((vm) => [
      vm.name,
      vm.role,
      vm.site,
      vm.container,
      vm.mac,
      vm.address,
      String(vm.cpus),
      `${vm.memoryMiB} MiB`,
    ]),
  );
}
