import { z } from 'zod';
import { Failure, parseInput } from '../../domain/failure.ts';
import {
  containerNameSchema,
  interfaceNameSchema,
  ipv4Schema,
  portRangeSchema,
  portSchema,
  siteNameSchema,
  sshAddressSchema,
} from '../../domain/names.ts';
import { physicalFrontend } from '../../domain/site.ts';

/** What a person says of a new site on the command line. */
export interface SiteWords {
  ssh: string;
  publicAddress: string;
  lanAddress: string;
  container: string[];
  gateway: string;
  addresses: string;
  bridge: string;
  udpPorts: string;
  inbound: boolean;
}

const allDiffer = (values: string[]) => new Set(values).size === values.length;

const planSchema = z.strictObject({
  name: siteNameSchema,
  address: sshAddressSchema,
  port: portSchema,
  publicAddress: ipv4Schema,
  lanAddress: ipv4Schema,
  inbound: z.boolean(),
  containers: z
    .array(
      z.strictObject({ name: containerNameSchema, address: sshAddressSchema.pipe(ipv4Schema) }),
    )
    .min(1, 'a site needs at least one VM container: --container h1=192.168.10.11')
    .refine((all) => allDiffer(all.map((each) => each.name)), 'VM container names must differ')
    .refine(
      (all) => allDiffer(all.map((each) => each.address)),
      'VM container addresses must differ',
    )
    .refine(
      (all) => all.every((each) => each.name !== physicalFrontend),
      `no VM container may be called ${physicalFrontend}`,
    ),
  gateway: ipv4Schema,
  prefixLength: z.int().min(8).max(30),
  addresses: z.array(ipv4Schema).min(1),
  bridge: interfaceNameSchema,
  udpPorts: portRangeSchema,
});
export type SitePlan = z.output<typeof planSchema>;

/** @throws {Failure} BadInput naming each wrong value. */
export function readSitePlan(name: string, words: SiteWords): SitePlan {
  const plan = parseInput(planSchema, splitWords(name, words), 'the new site');
  refuseOuterAddress(plan);
  return plan;
}

/** The VM container that the physical frontend is, too, if it is one. */
export function ownContainer({ containers, lanAddress }: SitePlan): string | undefined {
  return containers.find((each) => each.address === lanAddress)?.name;
}

/** Leaves every check of values to the schema; only splits what is written together. */
function splitWords(name: string, words: SiteWords): unknown {
  const [, address, port] = /^([^:]*)(?::(\d+))?$/.exec(words.ssh) ?? [undefined, words.ssh];
  const [gateway, prefixLength] = words.gateway.split('/');
  const [first, last] = words.udpPorts.split('-').map(Number);
  return {
    name,
    address,
    port: port === undefined ? 22 : Number(port),
    publicAddress: words.publicAddress,
    lanAddress: words.lanAddress,
    inbound: words.inbound,
    containers: words.container.map((each) => {
      const [container, ip] = each.split('=');
      return { name: container, address: ip };
    }),
    gateway,
    prefixLength: Number(prefixLength),
    addresses: words.addresses.split(','),
    bridge: words.bridge,
    udpPorts: { first, last },
  };
}

/** One machine in both roles is known by its inner address: at any other one it would look like two. */
function refuseOuterAddress({ containers, lanAddress, publicAddress, address }: SitePlan): void {
  const outer = [publicAddress, address, '127.0.0.1'].filter((each) => each !== lanAddress);
  const same = containers.find((each) => outer.includes(each.address));
  if (!same) return;
  throw new Failure(
    'BadInput',
    `${same.address} is the physical frontend; as VM container ${same.name} it needs its address inside the site`,
    { help: `for one machine in both roles: --container ${same.name}=${lanAddress}` },
  );
}
