import { dhcpHost, dhcpOptions } from '../../../domain/boot-options.ts';
import type { Mark } from '../../../domain/mark.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { ownProgram } from '../../../transport/own-program.ts';
import type { Service } from '../../supervisor/supervisor.ts';
import { renderMark } from '../mark-text.ts';
import { linkMtuOf, type Link } from './link-config.ts';
import { bridgePrefix, serviceNames } from './names.ts';
import { dhcpScript, linkScript, pathsScript } from './scripts.ts';

/** @param configFile not among the service's files: a change of it must not start the link anew. */
export function linkService(
  mark: Mark,
  link: Link,
  order: RoutedOrder,
  configFile: string,
): Service {
  return {
    name: serviceNames(mark).link(link.device),
    mark,
    script: linkScript,
    env: {
      LINK: link.device,
      LINK_CONFIG: configFile,
      LINK_ADDRESS: link.address,
      LINK_GATEWAY: order.gateway,
      LINK_MTU: String(linkMtuOf(order)),
      LINK_MARK: renderMark(mark),
    },
  };
}

export function dhcpService(mark: Mark, order: RoutedOrder): Service {
  const config = [
    '# Written by the controller.',
    `interface=${bridgePrefix(mark.clusterId)}*`,
    'except-interface=lo',
    // Bridges come and go while it runs.
    'bind-dynamic',
    'port=0',
    'no-resolv',
    'no-hosts',
    'pid-file=',
    // Every lease is known and for ever.
    'leasefile-ro',
    'log-facility=-',
    ...dhcpOptions(
      order.network,
      order.mtu,
      order.server,
      order.outside ? order.gateway : undefined,
    ),
    // Here, and not in a list of its own: that it would read as another account, which may not.
    ...order.edges.map(({ vm, ...edge }) => `dhcp-host=${dhcpHost({ ...edge, name: vm }).trim()}`),
    '',
  ];
  return {
    name: serviceNames(mark).dhcp,
    mark,
    script: dhcpScript,
    env: {},
    files: { 'dnsmasq.conf': config.join('\n') },
  };
}

/** @param directory where the keeper of paths finds what it must know. */
export function pathsService(mark: Mark, directory: string): Service {
  return {
    name: serviceNames(mark).paths,
    mark,
    script: pathsScript,
    env: {
      NODE: process.execPath,
      PROGRAM: ownProgram(),
      PATHS_DIRECTORY: directory,
    },
  };
}
