import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Peer } from '../../../src/domain/overlay.ts';
import { physicalFrontend, type LibvirtSite } from '../../../src/domain/site.ts';
import { createRoutedDriver } from '../../../src/drivers/overlay/routed/driver.ts';
import { createForwardHost } from '../../../src/drivers/overlay/routed/forward-host.ts';
import { createContainerHost } from '../../../src/drivers/overlay/container-host.ts';
import { ensureLinkKey } from '../../../src/drivers/overlay/routed/link-key.ts';
import { seal } from '../../../src/secrets/sealed-box.ts';
import {
  operationOf,
  overlayDriverContract,
  type OverlayContractSite,
} from '../../drivers/overlay-contract.ts';
import type { TestHost } from './hosts.ts';
import { createSiteHost, createSiteHostDoor } from './n2n-door.ts';
import { key, startN2nSite, type N2nSite } from './n2n-site.ts';
import { becomeMvcSite, programsAt, tools } from './programs.ts';
import { routedEdge, routedTable } from './routed-table.ts';

let site: N2nSite;
let program: string;

beforeAll(async () => {
  program = await becomeMvcSite();
  site = await startN2nSite(tools);
});

afterAll(async () => {
  await site?.stop();
  rmSync(program, { recursive: true, force: true });
});

overlayDriverContract('routed', setUp);

async function setUp(): Promise<OverlayContractSite> {
  const { frontend, c1 } = site;
  const hosts = {
    [physicalFrontend]: await createSiteHost(frontend, 'physicalFrontend', physicalFrontend),
    c1: await createSiteHost(c1, 'vmContainer', 'c1'),
  };
  const { pool } = hosts.c1.policy;
  const publicKey = (await ensureLinkKey(pool)).public;
  const leftovers = async () => [...(await thingsAt(frontend)), ...(await thingsAt(c1, pool))];
  return {
    driver: createRoutedDriver(createSiteHostDoor(hosts), { name: 'here' } as LibvirtSite),
    container: 'c1',
    tableOf: (numbers) =>
      routedTable(
        [...numbers.map((index) => routedEdge(index, 'c1')), routedEdge(9, 'c1', 'elsewhere')],
        peersWith(publicKey),
      ),
    keyFor: async ({ mark }) =>
      seal(Buffer.from(key), await hosts.c1.sealKey.publicKey(), `overlay:${mark.clusterId}`),
    leftovers,
    close: async () => {
      // Past the fence: whatever epoch the test has come to.
      await createContainerHost(hosts.c1).remove(operationOf());
      await createForwardHost(hosts[physicalFrontend]).remove(operationOf());
      expect(await leftovers()).toEqual([]);
      await Promise.all(Object.values(hosts).map((host) => host.close()));
    },
  };
}

/** The container relays; of the other site's nobody runs. */
function peersWith(publicKey: string): Omit<Peer, 'vms'>[] {
  const common = { container: 'c1', inbound: true, port: 7701 };
  return [
    {
      ...common,
      number: 1,
      site: 'here',
      publicKey,
      lanAddress: '192.168.10.11',
      publicAddress: '198.51.100.1',
      relayPort: 7702,
    },
    {
      ...common,
      number: 2,
      site: 'elsewhere',
      publicKey: Buffer.alloc(32, 7).toString('base64'),
      lanAddress: '198.51.100.9',
      publicAddress: '198.51.100.9',
    },
  ];
}

/** What is of overlays at the host: services, devices, firewall, routes, programs and files. */
async function thingsAt(host: TestHost, pool?: string): Promise<string[]> {
  const links = (await host.run('ip -o link')).match(/[bw]c0ffee12-\w+/g) ?? [];
  const tables = (await host.run('nft list tables')).match(/\S* mvc_\S+/g) ?? [];
  const routes = (await host.run('ip route show type unreachable')).split('\n').filter(Boolean);
  const programs = (await programsAt(host)).map(({ name }) => name);
  const files = pool === undefined ? [] : filesIn(join(pool, 'overlay'));
  const things = [
    ...readdirSync(host.services),
    ...links,
    ...tables,
    ...routes,
    ...programs,
    ...files,
  ];
  return things.map((thing) => `${host.name} ${thing}`).sort();
}

/** Without those that the keeper of paths writes when it comes to it; their directory is among them. */
function filesIn(directory: string): string[] {
  try {
    const files = readdirSync(directory, { recursive: true }).map(String);
    return files.filter((file) => !/(paths-state|endpoints)\.json/.test(file));
  } catch {
    return [];
  }
}
