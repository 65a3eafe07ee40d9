import { z } from 'zod';
import { clusterNameSchema, rollNameSchema, siteNameSchema } from './names.ts';
import type { FailedInStep } from './attempts.ts';
import type { FailureKind } from './failure.ts';
import { outsideSchema, overlayKinds, type OverlayKind } from './overlay.ts';
import { publicKeySchema } from './users.ts';
import type { SentImage } from './site-line.ts';

/** What a cluster gets unless its spec names other software … */
export const defaultRolls = ['base', 'slurm', 'mpi', 'compiler', 'home', 'topology'];
/** … and unless it names another overlay. */
export const defaultOverlay = 'routed' satisfies OverlayKind;

const sizeSchema = (defaults: { cpus: number; memoryMiB: number }) =>
  z.strictObject({
    cpus: z.int().min(1).max(256).default(defaults.cpus),
    memoryMiB: z.int().min(256).max(4_194_304).default(defaults.memoryMiB),
  });

/** What the user asks for: short enough to be typed into a form. */
export const clusterSpecSchema = z
  .strictObject({
    name: clusterNameSchema,
    /** The site that holds the frontend VM, with `n2n` also the supernode. */
    origin: siteNameSchema,
    sites: z
      .array(
        z.strictObject({
          name: siteNameSchema,
          computes: z.int().min(0, 'must not be negative').max(1000),
        }),
      )
      .min(1, 'a cluster needs at least one site')
      .max(100),
    overlay: z
      .strictObject({
        kind: z.enum(overlayKinds, {
          error: (issue) =>
            `overlay kind ${JSON.stringify(issue.input)} is unknown; known: ${overlayKinds.join(', ')}`,
        }),
        /** Must be true for an overlay without authentication worth the name (n2n 1.3); vxlan is in clear then. */
        insecure: z.boolean().default(false),
        /** Kinds `routed` and `vxlan`: largest packet of the VMs, bytes. Smaller where the way between sites is. */
        mtu: z.int().min(1280).max(9000).optional(),
        /** Kind `routed`: networks that VMs may reach by their VM containers, behind the address of those. */
        outside: outsideSchema.optional(),
      })
      .prefault({ kind: defaultOverlay }),
    frontend: sizeSchema({ cpus: 1, memoryMiB: 768 })
      .extend({ diskGiB: z.int().min(1).max(65_536).default(4) })
      .prefault({}),
    compute: sizeSchema({ cpus: 1, memoryMiB: 512 }).prefault({}),
    /** Address range of the overlay; by default the next free /24 of 10.77.0.0/16. */
    network: z
      .string()
      .regex(
        /^(?:10|172|192)(?:\.\d{1,3}){3}\/(?:1[6-9]|2[0-8])$/,
        'must be a private range from /16 to /28',
      )
      .optional(),
    rolls: z
      .array(rollNameSchema)
      .max(50)
      .default([...defaultRolls]),
    /** Public ssh keys that may log in to the frontend VM as the ordinary user `hpc`. */
    sshKeys: z.array(publicKeySchema).max(50).default([]),
    /** How the cluster is looked after once it is ready. */
    watch: z
      .strictObject({
        everyMinutes: z.int().min(1).max(1440).default(5),
        /** Mend what is found amiss; otherwise only say so. */
        repair: z.boolean().default(false),
      })
      .prefault({}),
  })
  .superRefine((spec, context) => {
    const { kind, outside } = spec.overlay;
    if (outside && kind !== 'routed') {
      context.addIssue({
        code: 'custom',
        path: ['overlay', 'outside'],
        message: `overlay ${kind} opens nothing to the outside: only routed does`,
      });
    }
    if (spec.overlay.insecure && kind === 'routed') {
      context.addIssue({
        code: 'custom',
        path: ['overlay', 'insecure'],
        message:
          'overlay routed is never insecure: the word is for n2n 1.3, and for vxlan in clear',
      });
    }
    const names = spec.sites.map((site) => site.name);
    if (new Set(names).size !== names.length) {
      context.addIssue({ code: 'custom', path: ['sites'], message: 'a site is named twice' });
    }
    if (!names.includes(spec.origin)) {
      context.addIssue({
        code: 'custom',
        path: ['origin'],
        message: `origin ${spec.origin} is not among the sites (${names.join(', ')})`,
      });
    }
    spec.sites.forEach((site, index) => {
      if (site.computes > 0 || site.name === spec.origin) return;
      context.addIssue({
        code: 'custom',
        path: ['sites', index, 'computes'],
        message: `site ${site.name} has zero computes: only the origin may, since it has the frontend`,
      });
    });
    if (spec.sites.every((site) => site.computes === 0)) {
      context.addIssue({
        code: 'custom',
        path: ['sites'],
        message: 'zero computes: a cluster needs at least one compute VM',
      });
    }
  });
export type ClusterSpec = z.infer<typeof clusterSpecSchema>;
export type ClusterSpecInput = z.input<typeof clusterSpecSchema>;

/**
 * Where a cluster stands. `ready` only after the verify step has proved it; `changing` while a scale,
 * repair, stop or start works on a cluster that was ready.
 */
export const clusterPhases = [
  'building',
  'ready',
  'changing',
  'stopped',
  'failed',
  'cancelled',
  'destroying',
  'destroyed',
] as const;
export type ClusterPhase = (typeof clusterPhases)[number];

/** Why a cluster is (not) as wanted; one sentence for a person. */
export interface Condition {
  type: 'Ready' | 'Secure' | 'Attention' | 'Drift';
  status: boolean;
  reason: string;
  message: string;
}

/** What is done to a cluster; each has a row in its history. */
export const operationKinds = ['build', 'scale', 'repair', 'stop', 'start', 'destroy'] as const;
export type OperationKind = (typeof operationKinds)[number];

/** In the order of a build. `drain` and `leave` only where VMs leave; `macs` only where VMs that never booted were given other MACs; `configure` asks a frontend for its clock, and tells one that was there before of its nodes. */
export const buildSteps = [
  'register',
  'drain',
  'leave',
  'macs',
  'reserve',
  'image',
  'supernode',
  'edges',
  'frontend',
  'configure',
  'computes',
  'verify',
] as const;
/** `overlay key`: another one was asked for. `look`: of a site that did not answer when a repair looked. */
export const repairSteps = ['overlay key', 'look'] as const;
export const powerSteps = ['drain', 'computes off', 'frontend off'] as const;
export const destroySteps = ['vms', 'edges', 'supernode', 'inventory'] as const;
export const stepNames = [
  ...new Set([...buildSteps, ...repairSteps, ...powerSteps, ...destroySteps]),
] as const;
export type StepName =
  | (typeof buildSteps)[number]
  | (typeof repairSteps)[number]
  | (typeof powerSteps)[number]
  | (typeof destroySteps)[number];

/** Why a step does not go on by itself, and what to do. Times in milliseconds since 1970. */
export interface Parked {
  kind: FailureKind;
  /** The host at the site, if it is one host's fault. */
  host?: string;
  cause: string;
  /** The next action, as a sentence. */
  help: string;
  since: number;
  /** When it is tried again without a person; absent for a cause that does not pass. */
  nextTryAt?: number;
  /** Whether `mvc resume --skip` may leave it out. */
  skippable: boolean;
}

/** One step as it went, for progress and history. Times in milliseconds since 1970. */
export interface StepRecord {
  step: StepName;
  /** Absent for a step of the whole cluster. */
  site?: string;
  startedAt: number;
  finishedAt?: number;
  error?: string;
  /** Rounds of the step, each with its own retries; absent for one. */
  rounds?: number;
  /** One per round, and one for each time that the engine tried something in it again; absent if nothing failed. */
  attempts?: number;
  /** Attempts that failed, in the order in which their calls ended: the newest dozen; absent if none did. */
  failed?: FailedInStep[];
  /** Of the step `image` at a site: what it was sent. Absent if all of it was there. */
  sent?: SentImage;
  /** Set while it waits for a person or for its next round. */
  parked?: Parked;
  /** Left out on request. */
  skipped?: boolean;
  /** What a person should know of what was done. */
  note?: string;
}

export const stepOutcomes = ['done', 'failed', 'skipped'] as const;
export type StepOutcome = (typeof stepOutcomes)[number];

/** How a step that has ended went. One that was left out may tell why in its error. */
export function outcomeOf({ skipped, error }: Pick<StepRecord, 'skipped' | 'error'>): StepOutcome {
  if (skipped) return 'skipped';
  return error === undefined ? 'done' : 'failed';
}

/** A step that stands parked: what `mvc status` and the engine's UI show. */
export type ParkedStep = Parked & Pick<StepRecord, 'step' | 'site'>;

/** A parked step as one sentence: where, why, what next. */
export function describeParked(parked: ParkedStep): string {
  const { step, site, host, cause, help } = parked;
  const place =
    site === undefined ? '' : ` at site ${site}${host === undefined ? '' : `, host ${host}`}`;
  return `step ${step}${place} is parked: ${cause}; ${help}`;
}

/** What the verify step found; the proof behind `ready`. */
export const verifyReportSchema = z.strictObject({
  /** Host names that `srun hostname` printed, one per node. */
  hostnames: z.array(z.string()),
  /** Nodes that had no room for the proof: all their cores were taken by jobs. */
  busy: z.array(z.string()).optional(),
  /** One line per rank of the MPI collective, with its node. */
  mpi: z.strictObject({
    ranks: z.int(),
    nodes: z.array(z.string()),
    sum: z.number(),
    expectedSum: z.number(),
    interface: z.string(),
  }),
  /** Largest packet that crosses the overlay unfragmented, bytes. */
  mtu: z.int(),
  /** Round-trip times between sites, milliseconds. */
  rtt: z.array(z.strictObject({ from: z.string(), to: z.string(), ms: z.number() })),
  /** What a person would see. */
  transcript: z.string().max(20_000),
});
export type VerifyReport = z.infer<typeof verifyReportSchema>;

/** What the frontend says of a node. Times in seconds since 1970 by the frontend's clock. */
export const nodeStateSchema = z.object({
  name: z.string(),
  /** The scheduler's word: idle, alloc, down, unknown, … */
  state: z.string(),
  /** When the node last fetched its configuration, which it does once per boot. */
  fetchedAt: z.number().nullable(),
  /** `idle` only if it is idle since that boot. */
  phase: z.string(),
});
export type NodeState = z.infer<typeof nodeStateSchema>;

/** Name of the secret that holds a cluster's keys and tokens (`ClusterSecrets` of the rolls). */
export const identitySecret = 'identity';
