import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { physicalFrontend } from '../../../src/domain/site.ts';
import { createN2nDriver } from '../../../src/drivers/overlay/n2n/driver.ts';
import { createN2nHost } from '../../../src/drivers/overlay/n2n/host.ts';
import { createSupernodeHost } from '../../../src/drivers/overlay/n2n/supernode-host.ts';
import { seal } from '../../../src/secrets/sealed-box.ts';
import { overlayDriverContract, type OverlayContractSite } from '../../drivers/overlay-contract.ts';
import { sh, type TestHost } from './hosts.ts';
import { createSiteHost, createSiteHostDoor } from './n2n-door.ts';
import { edgeOf, key, operation, policy, startN2nSite, tableOf, type N2nSite } from './n2n-site.ts';

/** Programs of n2n 3.x; the account `nobody` must be able to run them. */
const programs3 = process.env['MVC_N2N3_DIR'];

contractWith('n2n 1.3', /^1\.3$/);
if (programs3) contractWith('n2n 3.x', /^3\./, programs3);
else {
  describe('the overlay driver n2n 3.x', () => {
    it.skip('was not run: MVC_N2N3_DIR names no directory with its edge and supernode');
  });
}

function contractWith(name: string, generation: RegExp, programs?: string): void {
  describe(`with programs of ${name}`, () => {
    let site: N2nSite;
    let version: string;
    beforeAll(async () => {
      site = await startN2nSite(programs);
      version = await versionOf(site.c1, 'edge');
      expect(version).toMatch(generation);
      expect(await versionOf(site.frontend, 'supernode')).toBe(version);
    });
    afterAll(async () => site?.stop());
    overlayDriverContract(name, () => setUp(site, version));
  });
}

/** Version family of the program that the host would start. */
async function versionOf(host: TestHost, program: string): Promise<string> {
  const { stdout, stderr } = await host.shell.run([program, '-h']);
  return /n2n v\.?\s*(\d+\.\d+)/.exec(stdout + stderr)?.[1] ?? `${stdout}${stderr}`;
}

async function setUp(site: N2nSite, version: string): Promise<OverlayContractSite> {
  const { frontend, c1 } = site;
  const hosts = {
    [physicalFrontend]: await createSiteHost(frontend, 'physicalFrontend', physicalFrontend),
    c1: await createSiteHost(c1, 'vmContainer', 'c1'),
  };
  const leftovers = async () => [...(await overlayThings(frontend)), ...(await overlayThings(c1))];
  return {
    driver: createN2nDriver(createSiteHostDoor(hosts), 'here'),
    container: 'c1',
    tableOf: (numbers) => {
      const edges = numbers.map((index) => edgeOf(index, 'c1'));
      return tableOf([...edges, { ...edgeOf(9, 'c1'), site: 'elsewhere' }], version);
    },
    keyFor: async ({ mark }) =>
      seal(Buffer.from(key), await hosts.c1.sealKey.publicKey(), `overlay:${mark.clusterId}`),
    leftovers,
    close: async () => {
      // Past the fence: whatever epoch the test has come to.
      await createN2nHost({ ...c1, policy }).remove(operation);
      await createSupernodeHost({ ...frontend, policy }).remove(operation);
      await Promise.all(Object.values(hosts).map((host) => host.close()));
      expect(await leftovers()).toEqual([]);
    },
  };
}

/** Services, interfaces, firewall tables and processes of overlays at the host. */
async function overlayThings(host: TestHost): Promise<string[]> {
  const links = (await host.run('ip -o link')).match(/\S*n2ntest-\d/g) ?? [];
  const tables = (await host.run('nft list tables')).match(/\S* mvc_\S+/g) ?? [];
  const pids = (await sh(`ip netns pids ${host.name}`)).split('\n').filter(Boolean);
  const programs = pids.map(programOf).filter((name) => name === 'edge' || name === 'supernode');
  const things = [...readdirSync(host.services), ...links, ...tables, ...programs];
  return things.map((thing) => `${host.name} ${thing}`).sort();
}

/** Empty for a process that has ended meanwhile. */
function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
