import { z } from 'zod';
import { failureSchema } from './failure.ts';
import { operationSchema } from './mark.ts';
import {
  cidrSchema,
  containerNameSchema,
  digestSchema,
  ipv4Schema,
  portSchema,
  vmNameSchema,
} from './names.ts';
import { overlayTableSchema, seenEdgeSchema, supernodeSchema } from './overlay.ts';
import { reachVerbs } from './reach-verbs.ts';
import { routedVerbs } from './routed-verbs.ts';
import { sealedSchema } from './sealed.ts';
import { hostFactsSchema, ownedThingSchema, physicalFrontend } from './site.ts';
import { seenVmSchema, vmDefinitionSchema } from './vm.ts';

/**
 * The verbs of `mvc-site`, the program at a site's hosts: name → what it takes and what it answers.
 * Every verb takes seconds at most and is safe to repeat; a long wait is a poll by the caller.
 *
 * On the wire a request is one line of JSON on stdin (for `image.chunk` followed by `length` raw
 * bytes) and the answer is one line of JSON on stdout with exit status 0, also for a failure that the verb
 * understood. Anything else (no line, another status, a cut channel) is a lost question.
 */
const vmNames = z.array(vmNameSchema).min(1).max(200);
const nothing = z.strictObject({});

export const siteVerbs = {
  /** Observe the host. Needs no operation: nothing is changed. */
  facts: { input: nothing, output: hostFactsSchema },
  /** Everything of this installation at the host, or of one of its clusters. */
  owned: {
    input: z.strictObject({ installation: z.uuid(), clusterId: z.string().optional() }),
    output: z.strictObject({ things: z.array(ownedThingSchema) }),
  },
  /** The highest operation of each of the installation's clusters that has acted here. */
  operations: {
    input: z.strictObject({ installation: z.uuid() }),
    output: z.strictObject({ operations: z.array(operationSchema).max(10_000) }),
  },

  /** Which bytes of an image are here. `complete` means: digest checked, ready to use. */
  'image.state': {
    input: z.strictObject({ digest: digestSchema }),
    output: z.strictObject({
      complete: z.boolean(),
      /** Offsets of the chunks that arrived whole. */
      chunks: z.array(z.int().min(0)),
      /** Set while this host fetches the image from a sibling. */
      fetching: z.boolean(),
      /** Why the last fetch failed, if it did. */
      error: z.string().optional(),
    }),
  },
  'image.chunk': {
    input: z.strictObject({
      digest: digestSchema,
      size: z
        .int()
        .min(1)
        .max(16 * 1024 ** 3),
      offset: z.int().min(0),
      length: z
        .int()
        .min(1)
        .max(16 * 1024 ** 2),
      /** SHA-256 of the chunk. */
      chunkDigest: digestSchema,
    }),
    output: nothing,
  },
  /** Joins the chunks and checks the digest of the whole. */
  'image.finish': {
    input: z.strictObject({ digest: digestSchema, size: z.int().min(1) }),
    output: nothing,
  },
  /** Offers the complete images to the site's own LAN by HTTP (physical frontend). */
  'image.serve': {
    input: z.strictObject({ address: ipv4Schema, port: portSchema }),
    output: nothing,
  },
  /** Starts fetching an image from the site's physical frontend; poll `image.state`. */
  'image.fetch': {
    input: z.strictObject({
      digest: digestSchema,
      size: z.int().min(1),
      address: ipv4Schema,
      port: portSchema,
    }),
    output: nothing,
  },

  /** Defines all the VMs, marked and shut off, or none of them. */
  'vm.reserve': {
    input: z.strictObject({
      vms: z.array(vmDefinitionSchema).min(1).max(200),
      /** Seconds since 1970; an unbooted reservation older than this may be taken away. */
      leaseUntil: z.int(),
    }),
    output: nothing,
  },
  /** Disks, seed and final definition of VMs. The VMs are not started; a running VM is left alone. */
  'vm.ensure': {
    input: z.strictObject({
      vms: z
        .array(
          z.strictObject({
            vm: vmDefinitionSchema,
            /** Sealed, gzipped tar that the VM finds on its seed disk. */
            seed: sealedSchema,
          }),
        )
        .min(1)
        .max(200),
    }),
    output: nothing,
  },
  /** Starts those that do not run. `started` names the VMs that this call started. */
  'vm.start': {
    input: z.strictObject({ names: vmNames }),
    output: z.strictObject({ started: z.array(vmNameSchema) }),
  },
  /** Powers off those that run. */
  'vm.stop': { input: z.strictObject({ names: vmNames }), output: nothing },
  /** Removes VMs with their disks, running or not; all of the cluster's if no names are given. */
  'vm.remove': { input: z.strictObject({ names: vmNames.optional() }), output: nothing },
  /** The cluster's VMs at this host. */
  'vm.describe': { input: nothing, output: z.strictObject({ vms: z.array(seenVmSchema) }) },
  /** Last bytes of a VM's serial console. */
  'vm.console': {
    input: z.strictObject({ name: vmNameSchema, bytes: z.int().min(1).max(65_536) }),
    output: z.strictObject({ text: z.string() }),
  },

  /** Starts a program in the VM through its guest agent; poll `guest.poll`. */
  'guest.exec': {
    input: z.strictObject({
      name: vmNameSchema,
      argv: z.array(z.string().max(16_384)).min(1).max(100),
      /** Base64. */
      stdin: z.string().max(100_000).optional(),
    }),
    output: z.strictObject({ pid: z.int() }),
  },
  'guest.poll': {
    input: z.strictObject({ name: vmNameSchema, pid: z.int() }),
    output: z.strictObject({
      exited: z.boolean(),
      exitCode: z.int().optional(),
      /** Base64, at most 48 KiB kept of each. */
      stdout: z.string().optional(),
      stderr: z.string().optional(),
    }),
  },

  'supernode.ensure': {
    input: z.strictObject({
      kind: z.literal('n2n'),
      supernode: supernodeSchema,
      version: z.string(),
    }),
    output: nothing,
  },
  'supernode.describe': {
    input: z.strictObject({ kind: z.literal('n2n') }),
    output: z.strictObject({ up: z.boolean(), port: portSchema.optional() }),
  },
  'supernode.remove': { input: z.strictObject({ kind: z.literal('n2n') }), output: nothing },
  /** Makes this host's edges of the cluster exactly those of the table. */
  'overlay.apply': {
    input: z.strictObject({
      container: containerNameSchema,
      table: overlayTableSchema,
      key: sealedSchema,
    }),
    output: nothing,
  },
  'overlay.describe': {
    input: nothing,
    output: z.strictObject({ edges: z.array(seenEdgeSchema) }),
  },
  'overlay.remove': { input: nothing, output: nothing },

  ...routedVerbs,

  ...reachVerbs,
} as const;

export type SiteVerb = keyof typeof siteVerbs;
export type SiteVerbInput<V extends SiteVerb> = z.input<(typeof siteVerbs)[V]['input']>;
export type SiteVerbOutput<V extends SiteVerb> = z.output<(typeof siteVerbs)[V]['output']>;

export const siteRequestSchema = z.strictObject({
  /** Version of this protocol. */
  protocol: z.literal(1),
  verb: z.enum(Object.keys(siteVerbs) as [SiteVerb, ...SiteVerb[]]),
  /** As which host the machine is asked; only for one that is a VM container besides the physical frontend. */
  host: containerNameSchema.optional(),
  operation: operationSchema.optional(),
  input: z.unknown(),
});
export type SiteRequest = z.infer<typeof siteRequestSchema>;

export const siteAnswerSchema = z.union([
  z.strictObject({ ok: z.literal(true), result: z.unknown() }),
  z.strictObject({ ok: z.literal(false), failure: failureSchema }),
]);
export type SiteAnswer = z.infer<typeof siteAnswerSchema>;

const policyFieldsSchema = z.strictObject({
  /** `physical-frontend`, or the VM container's name. */
  host: containerNameSchema,
  /** Physical frontend only: the VM container that this machine is, too. */
  container: containerNameSchema.optional(),
  /** Directory for images, disks and state. */
  pool: z
    .string()
    .regex(/^\/[A-Za-z0-9._/-]+$/)
    .default('/var/lib/mvc'),
  /** What all domains together may take, whoever made them; the machine's own by default. */
  maxCpus: z.int().min(1).optional(),
  maxMemoryMiB: z.int().min(256).optional(),
  /** Bridges that a VM's second interface may join. */
  siteBridges: z.array(z.string().regex(/^[a-z][a-z0-9_.-]{0,14}$/)).default([]),
  udpPorts: z.strictObject({ first: portSchema, last: portSchema }),
  /** Networks that the VMs of clusters may reach by this host, behind its own address. */
  outside: z.array(cidrSchema).max(100).default([]),
});

/** The policy that a host's administrator sets, in /etc/mvc/policy.json. */
export const hostPolicySchema = policyFieldsSchema.refine(
  ({ host, container }) =>
    container === undefined || (host === physicalFrontend && container !== physicalFrontend),
  { path: ['container'], message: 'only the physical frontend can be a VM container besides' },
);
export type HostPolicy = z.infer<typeof hostPolicySchema>;
