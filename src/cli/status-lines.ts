import type { ClusterStatus, OperationStatus } from './cluster-status.ts';
import { formatDuration, tableLines } from './output.ts';
import { nextCommand, parkedLines } from './parked.ts';

/** @param now milliseconds since 1970. */
export function statusLines(status: ClusterStatus, now: number): string[] {
  return [
    `cluster ${status.name}: ${status.phase}`,
    ...conditionLines(status),
    ...operationLines(status, now),
    ...overlayLines(status),
    ...(status.uiUrl === undefined ? [] : [`in the browser: ${status.uiUrl}`]),
    ...apart(vmTable(status)),
    ...apart(rttTable(status)),
  ];
}

function vmTable({ vms = [] }: ClusterStatus): string[] {
  return tableLines(
    ['VM', 'ROLE', 'SITE', 'CONTAINER', 'MAC', 'ADDRESS', 'STATE'],
    vms.map((vm) => [vm.name, vm.role, vm.site, vm.container, vm.mac, vm.address, vm.state]),
  );
}

function apart(lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What the running operation tells of its parked steps is newer than their condition. */
function conditionLines({ conditions, operation }: ClusterStatus): string[] {
  const told = (operation?.parked.length ?? 0) > 0;
  return conditions.flatMap(({ type, status, message }) => {
    if (type === 'Attention') return status && !told ? [`  attention: ${message}`] : [];
    if (type === 'Drift') return status ? [`  amiss: ${message}`] : [];
    return [`  ${message}`];
  });
}

function operationLines(status: ClusterStatus, now: number): string[] {
  const { name, operation, engineSilent } = status;
  if (engineSilent !== undefined) {
    return [`what runs on it could not be asked, this is what is recorded: ${engineSilent}`];
  }
  if (!operation) return idleLines(status);
  const { parked } = operation;
  return [
    describeOperation(operation, now),
    ...parked.flatMap((each) => parkedLines(each, now)),
    parked.length > 0 ? nextCommand(operation.kind, name) : `next: mvc watch ${name}`,
  ];
}

/** What to do about a cluster on which nothing runs. */
function idleLines({ name, phase, conditions }: ClusterStatus): string[] {
  if (phase === 'cancelled' || phase === 'failed') {
    return [`next: \`mvc create\` with its spec goes on, \`mvc destroy ${name}\` removes it`];
  }
  if (phase === 'stopped') return [`next: mvc start ${name}`];
  const drifted = conditions.some((each) => each.type === 'Drift' && each.status);
  return phase === 'ready' && drifted ? [`next: mvc repair ${name}`] : [];
}

function describeOperation({ kind, startedAt, parked, message }: OperationStatus, now: number) {
  const steps = parked.length === 1 ? '1 step is' : `${parked.length} steps are`;
  const detail = parked.length > 0 ? `${steps} parked` : message;
  return `a ${kind} runs since ${formatDuration(now - startedAt)}${detail ? `: ${detail}` : ''}`;
}

function overlayLines({ overlay, network }: ClusterStatus): string[] {
  if (!overlay) return [];
  const { kind, version, relayOnly, insecureReason } = overlay;
  return [
    `overlay ${kind} ${version} on ${network}${relayOnly ? ', everything by the supernode' : ''}`,
    ...(insecureReason ? [`  insecure: ${insecureReason}`] : []),
  ];
}

function rttTable({ rtt = [] }: ClusterStatus): string[] {
  return tableLines(
    ['FROM', 'TO', 'ROUND TRIP'],
    rtt.map(({ from, to, ms }) => [from, to, `${ms.toFixed(1)} ms`]),
  );
}
