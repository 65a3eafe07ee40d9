import { createHash } from 'node:crypto';
import { z } from 'zod';
import { markSchema, type Mark } from '../../../domain/mark.ts';
import { containerNameSchema, digestSchema, vmNameSchema } from '../../../domain/names.ts';
import { applianceSchema, type VmDefinition } from '../../../domain/vm.ts';
import { child, element, type XmlElement } from './xml.ts';

/** Namespace of our element in a domain's metadata. */
export const markNamespace = 'urn:mvc:1';

/** What a domain of ours carries in its metadata. */
export const domainMarkSchema = z.strictObject({
  mark: markSchema,
  vm: vmNameSchema,
  role: applianceSchema,
  container: containerNameSchema,
  image: digestSchema,
  /** Seconds since 1970. Means nothing once the VM was booted. */
  leaseUntil: z.int(),
  booted: z.boolean(),
  /** Digest of the definition: tells whether the domain must be defined anew. */
  definition: digestSchema,
});
export type DomainMark = z.infer<typeof domainMarkSchema>;

export function markOf(mark: Mark, vm: VmDefinition, leaseUntil: number): DomainMark {
  return {
    mark,
    vm: vm.name,
    role: vm.role,
    container: vm.container,
    image: vm.image,
    leaseUntil,
    booted: false,
    definition: definitionDigest(vm),
  };
}

/** Changes whenever the domain's XML would change. */
function definitionDigest(vm: VmDefinition): string {
  const sorted = Object.entries(vm).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

/** @param prefix of the element's name: none if virsh adds it, as for `virsh metadata --set`. */
export function renderMark(found: DomainMark, prefix: 'mvc:' | ''): XmlElement {
  return element(`${prefix}vm`, {
    ...(prefix ? { 'xmlns:mvc': markNamespace } : {}),
    installation: found.mark.installation,
    cluster: found.mark.cluster,
    clusterId: found.mark.clusterId,
    vm: found.vm,
    role: found.role,
    container: found.container,
    image: found.image,
    leaseUntil: found.leaseUntil,
    booted: found.booted ? 1 : 0,
    definition: found.definition,
  });
}

/** The mark in a domain's XML. A domain whose mark is damaged counts as somebody else's. */
export function parseMark(domain: XmlElement): DomainMark | undefined {
  const found = child(domain, 'metadata')?.children.find((each) => {
    const [prefix, name] = each.name.split(':');
    return name === 'vm' && each.attributes[`xmlns:${prefix}`] === markNamespace;
  });
  if (!found) return undefined;
  const {
    installation,
    cluster,
    clusterId,
    vm,
    role,
    container,
    image,
    leaseUntil,
    booted,
    definition,
  } = found.attributes;
  const parsed = domainMarkSchema.safeParse({
    mark: { installation, cluster, clusterId },
    vm,
    role,
    container,
    image,
    leaseUntil: Number(leaseUntil),
    booted: booted === '1',
    definition,
  });
  return parsed.success ? parsed.data : undefined;
}
