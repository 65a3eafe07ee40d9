import { z } from 'zod';
import {
  containerNameSchema,
  digestSchema,
  interfaceNameSchema,
  ipv4Schema,
  macSchema,
  siteNameSchema,
  vmNameSchema,
} from './names.ts';

/** What a VM is in its cluster (Rocks: appliance). */
export const applianceSchema = z.enum(['frontend', 'compute']);
export type Appliance = z.infer<typeof applianceSchema>;

/** A VM of a cluster as planned: everything that is known before the site is asked. */
export const vmSchema = z.strictObject({
  /** Host name in the cluster: `frontend`, `compute-<site>-<n>`. */
  name: vmNameSchema,
  role: applianceSchema,
  site: siteNameSchema,
  container: containerNameSchema,
  /** Of its interface in the overlay. */
  mac: macSchema,
  /** In the overlay. */
  address: ipv4Schema,
  cpus: z.int().min(1).max(256),
  memoryMiB: z.int().min(128).max(4_194_304),
  /** Frontend only: size of the disk that is kept over reboots. */
  diskGiB: z.int().min(1).max(65_536).optional(),
  /** Frontend only: second interface in its site's own network. */
  siteInterface: z
    .strictObject({ bridge: interfaceNameSchema, mac: macSchema, address: ipv4Schema })
    .optional(),
});
export type Vm = z.infer<typeof vmSchema>;

/** A VM as its VM container is told to make it. */
export const vmDefinitionSchema = vmSchema.extend({
  /** Name of the domain at the site: `<cluster>-<vm>`. */
  domain: z.string().regex(/^[a-z][a-z0-9-]{0,79}$/),
  /** Bridge between the VM's interface and its edge. */
  bridge: interfaceNameSchema,
  mtu: z.int().min(576).max(9000),
  /** Digest of the node image. */
  image: digestSchema,
});
export type VmDefinition = z.infer<typeof vmDefinitionSchema>;

export const vmPowerSchema = z.enum(['absent', 'off', 'running', 'crashed']);
export type VmPower = z.infer<typeof vmPowerSchema>;

/** A VM as its site sees it. */
export const seenVmSchema = z.strictObject({
  name: vmNameSchema,
  domain: z.string(),
  container: z.string(),
  power: vmPowerSchema,
  /** True once it was started for the first time; from then on no lease ends it. */
  booted: z.boolean(),
});
export type SeenVm = z.infer<typeof seenVmSchema>;

export function domainName(cluster: string, vm: string): string {
  return `${cluster}-${vm}`;
}

/** Stands for the image's digest in a reservation made while the image is still being built. */
export const imageNotBuilt = '0'.repeat(64);
