import { z } from 'zod';
import { contains, formatRange, parseRange, sizeOf, type Range } from '../../../domain/address.ts';
import { Failure } from '../../../domain/failure.ts';

/** A network outside that VMs may reach by their VM container, as it is seen there. */
export interface Opening {
  /** As CIDR. */
  network: string;
  /** Interfaces by which the container reaches it. */
  devices: string[];
  /** Networks in it to which the container is attached itself: they stay closed. */
  closed: string[];
}

/** Of IPv4, as `ip -j route show table all` prints them. */
export const routesSchema = z.array(
  z.object({
    dst: z.string(),
    /** Absent for one that leads somewhere. */
    type: z.string().optional(),
    /** Absent for the main one. */
    table: z.string().optional(),
    dev: z.string().optional(),
    scope: z.string().optional(),
    metric: z.number().default(0),
    /** Instead of a device, if there are several ways. */
    nexthops: z.array(z.object({ dev: z.string().optional() })).default([]),
  }),
);
export type Route = z.infer<typeof routesSchema>[number];

/** Neighbours by definition; a cloud's machines ask there for their own credentials. */
const linkLocal = '169.254.0.0/16';

/**
 * By which interfaces the container reaches each network, and what in it stays closed: its own networks
 * are not the outside. A network that lies wholly in one of those was named for that, and is open.
 *
 * @param isOverlay of an interface: no way leads out by an overlay, whosever it is.
 * @throws {Failure} Conflict if there is no way to one of them.
 */
export function planOpenings(
  outside: string[],
  routes: Route[],
  isOverlay: (device: string) => boolean,
): Opening[] {
  const attached = attachedRanges(routes, isOverlay);
  return outside.map((network) => {
    const range = parseRange(network);
    const within = attached.filter((each) => each.prefix > range.prefix && contains(range, each));
    const devices = devicesTo(range, routes, isOverlay);
    if (devices.length === 0) throw noWay(network);
    return { network, devices, closed: outermost(within).map(formatRange) };
  });
}

function attachedRanges(routes: Route[], isOverlay: (device: string) => boolean): Range[] {
  const attached = routes
    .filter(({ type, scope, dst }) => !type && scope === 'link' && dst !== 'default')
    .filter((route) => !devicesOf(route).every(isOverlay));
  return [...attached.map(rangeOf), parseRange(linkLocal)];
}

/** In their order, and none that lies in another one: the rules are the same text for the same networks. */
function outermost(ranges: Range[]): Range[] {
  const sorted = ranges.toSorted((a, b) => a.base - b.base || a.prefix - b.prefix);
  return sorted.filter(
    (each, index) => !sorted.slice(0, index).some((outer) => contains(outer, each)),
  );
}

/**
 * By which interfaces the kernel sends what is for the range: the narrowest route that has it whole, and
 * narrower ones for parts of it. Parts that make up all of it are a way as well, and then the only one.
 */
function devicesTo(
  range: Range,
  routes: Route[],
  isOverlay: (device: string) => boolean,
): string[] {
  const exitsOf = (route: Route) =>
    devicesOf(route).filter((device) => plainName.test(device) && !isOverlay(device));
  const leadsOut = (route: Route) => route.type === undefined && exitsOf(route).length > 0;
  const taken = takenRoutes(routes);
  const whole = taken.find((route) => contains(rangeOf(route), range));
  const parts = taken.filter((route) => isPartOf(range, route)).filter(leadsOut);
  // What the container is attached to itself stays closed, and is no way to anything.
  const onward = parts.filter(({ scope }) => scope !== 'link');
  const ways = makeUp(range, parts) ? onward : whole && leadsOut(whole) ? [whole, ...onward] : [];
  return [...new Set(ways.flatMap(exitsOf))].toSorted();
}

/** Those of the main table, the narrowest first, of equal ones the cheapest alone: as the kernel looks. */
function takenRoutes(routes: Route[]): Route[] {
  const sorted = routes
    .filter(({ table }) => table === undefined)
    .toSorted((a, b) => rangeOf(b).prefix - rangeOf(a).prefix || a.metric - b.metric);
  const first = new Map<string, Route>();
  for (const route of sorted) {
    const dst = formatRange(rangeOf(route));
    if (!first.has(dst)) first.set(dst, route);
  }
  return [...first.values()];
}

function isPartOf(range: Range, route: Route): boolean {
  const part = rangeOf(route);
  return part.prefix > range.prefix && contains(range, part);
}

function makeUp(range: Range, parts: Route[]): boolean {
  const sizes = outermost(parts.map(rangeOf)).map(sizeOf);
  return sizes.reduce((sum, size) => sum + size, 0) === sizeOf(range);
}

function devicesOf(route: Route): string[] {
  return [route, ...route.nexthops].flatMap(({ dev }) => dev ?? []);
}

/** A name that rules and paths can have as it is: the firewall would read `*` as any end. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/;

function rangeOf({ dst }: Route): Range {
  if (dst === 'default') return { base: 0, prefix: 0 };
  return parseRange(dst.includes('/') ? dst : `${dst}/32`);
}

function noWay(network: string): Failure {
  return new Failure(
    'Conflict',
    `this host has no way to ${network}, which overlay.outside opens`,
    {
      help: "ask the site's administrator for a route, or build the cluster without that network",
    },
  );
}
