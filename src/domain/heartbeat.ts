import { z } from 'zod';
import type { NodeState } from './cluster.ts';

/**
 * How far a VM is, in the order of its life: its disk is made, it is switched on, asks for its
 * address and boot script, runs the kernel, has its root file system and configuration, starts its
 * services, and is idle: ready for jobs. `drained`: up, but an administrator keeps jobs away.
 */
export const vmPhases = [
  'disk',
  'power',
  'DHCP',
  'kernel',
  'root',
  'services',
  'idle',
  'drained',
  'off',
] as const;
export type VmPhase = (typeof vmPhases)[number];

const vmAtPhaseSchema = z.object({
  name: z.string(),
  site: z.string(),
  phase: z.enum(vmPhases).catch('power'),
});
/** One VM and how far it is. */
export type VmAtPhase = z.infer<typeof vmAtPhaseSchema>;

/** What a running activity says of itself; all of it may be absent. */
export const heartbeatSchema = z.object({
  /** One sentence for a person. */
  note: z.string().optional(),
  /** Sent so far and in all, bytes. */
  bytes: z.number().optional(),
  of: z.number().optional(),
  vms: z.array(vmAtPhaseSchema).optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** What an activity tells while it goes on: an upload, or anything else. */
export type Progress = { bytes: number; of: number } | { note?: string; vms?: VmAtPhase[] };

/** The frontend's words for a node (its `node-states` program) in those of `vmPhases`. */
const phaseOfWord: Record<string, VmPhase> = {
  off: 'off',
  booting: 'kernel',
  waiting: 'DHCP',
  boot: 'kernel',
  config: 'root',
  services: 'services',
  idle: 'idle',
  drained: 'drained',
};

/**
 * How far a node is by what the frontend says of it.
 *
 * @param since frontend's clock, seconds: what the frontend knows of an earlier boot does not count. 0: all counts.
 */
export function phaseOfNode(state: NodeState | undefined, since: number): VmPhase {
  const phase = phaseOfWord[state?.phase ?? 'waiting'] ?? 'DHCP';
  if (since === 0 || phase === 'kernel' || phase === 'off') return phase;
  // Whatever follows the kernel has fetched its configuration; if long ago, it was another boot.
  return (state?.fetchedAt ?? 0) >= since ? phase : 'DHCP';
}

/** `of` is never zero. Undefined for a heartbeat that tells of no upload. */
export function uploadOf({ bytes, of }: Heartbeat): { bytes: number; of: number } | undefined {
  return bytes === undefined || !of ? undefined : { bytes, of };
}
