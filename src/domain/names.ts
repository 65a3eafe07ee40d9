import { z } from 'zod';
import { firstAddressOf } from './address.ts';

/**
 * Names and addresses as they may cross a border. Everything is ASCII and anchored, so that a
 * name can never be read as an option, a path, an entity or a second word further down.
 */
const label = (what: string, max: number) =>
  z
    .string()
    .max(max, `${what} has more than ${max} characters`)
    .regex(
      /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/,
      `${what} must be lower-case letters, digits and inner hyphens, starting with a letter`,
    );

export const siteNameSchema = label('a site name', 20);
export const clusterNameSchema = label('a cluster name', 20);
export const containerNameSchema = label('a VM container name', 20);
export const vmNameSchema = label('a VM name', 50);
export const rollNameSchema = label('a roll name', 20);

/** A Unix account at a site. Root is refused: no part of this system logs in as root. */
export const accountSchema = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be a Unix account name')
  .refine((name) => name !== 'root', 'must not be root: the site runs mvc-site by sudo instead');

export const ipv4Schema = z.ipv4('must be an IPv4 address like 192.0.2.7');

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
/** A network as CIDR, named by its first address: another one is more often a slip than meant. */
export const cidrSchema = z
  .string()
  .regex(new RegExp(`^(?:${octet}\\.){3}${octet}/(?:3[0-2]|[12]?[0-9])$`), {
    error: 'must be an IPv4 network like 192.0.2.0/24',
    abort: true,
  })
  .refine((cidr) => firstAddressOf(cidr) === cidr.split('/')[0], {
    error: ({ input }) =>
      `has host bits set; its network begins at ${firstAddressOf(String(input))}`,
  });

export const portSchema = z.int().min(1).max(65535);
export const portRangeSchema = z
  .strictObject({ first: portSchema, last: portSchema })
  .refine((range) => range.first <= range.last, 'first must not be greater than last');

/** Lower-case, unicast MAC address. */
export const macSchema = z
  .string()
  .regex(
    /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/,
    'must be a lower-case unicast MAC address like 02:00:5e:10:00:01',
  );

/** Host name or IPv4 address that ssh connects to; never starts with a hyphen. */
export const sshAddressSchema = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be a host name or an IPv4 address');

/** SHA-256 fingerprint of an ssh host key as `ssh-keygen -l` prints it. */
export const hostKeySchema = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be a fingerprint like SHA256:… (43 characters)');

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

/** Network interface name as the kernel takes it (IFNAMSIZ is 16 with the final NUL). */
export const interfaceNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,14}$/, 'must be an interface name of at most 15 characters');

/** The cluster's random identity: 12 hexadecimal digits, made once when the cluster is recorded. */
export const clusterIdSchema = z.string().regex(/^[0-9a-f]{12}$/);

export type SiteName = z.infer<typeof siteNameSchema>;
export type ClusterName = z.infer<typeof clusterNameSchema>;
