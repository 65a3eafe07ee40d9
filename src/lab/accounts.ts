import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { physicalFrontend, type SiteInput } from '../domain/site.ts';
import type { HostPolicy } from '../domain/site-verbs.ts';
import { bundleMvcSite } from '../site/bundle.ts';
import { renderPrepareScript } from '../site/prepare.ts';
import { writeDurably } from '../transport/durable-file.ts';
import { fingerprint, generateSshKey } from '../transport/ssh-key.ts';
import type { LabDirectory } from './directory.ts';
import { hostKeyFile, insideMachine } from './machine.ts';
import { lan, udpPorts, type LabMachine, type LabSite } from './plan.ts';
import { run } from './run.ts';

const sshPort = 22;
const containerLimits = { maxCpus: 8, maxMemoryMiB: 6144 };

/** The controller's key for the site, made once. */
export async function ensureSiteKey(directory: LabDirectory, site: string): Promise<void> {
  const path = directory.keyFile(site);
  if (existsSync(`${path}.pub`)) return;
  const key = generateSshKey(`mvc@${site}`);
  await writeDurably(path, key.privateKey);
  await writeFile(`${path}.pub`, `${key.publicKey.trim()}\n`);
}

/** Prepares a machine exactly as a real site's administrator does: by the script of `mvc site prepare`. */
export async function prepareMachine(
  directory: LabDirectory,
  site: LabSite,
  machine: LabMachine,
): Promise<void> {
  const script = renderPrepareScript({
    policy: policyOf(machine),
    publicKey: await readFile(`${directory.keyFile(site.name)}.pub`, 'utf8'),
    program: await bundleMvcSite(),
    jumpTo: machine.container === undefined ? jumpTargets(site) : [],
  });
  const file = join(directory.machine(machine.name), 'own/root/prepare.sh');
  if (existsSync(`${file}.done`) && (await readFile(`${file}.done`, 'utf8')) === script) return;
  await writeFile(file, script, { mode: 0o700 });
  await run(directory.id, insideMachine(directory, machine, ['sh', '/root/prepare.sh']), {
    timeoutMs: 60_000,
  });
  await writeDurably(`${file}.done`, script);
}

/** Writes the site as its user registers it (`mvc site add -f`). */
export async function writeSiteFile(directory: LabDirectory, site: LabSite): Promise<void> {
  const hostKey = async (machine: LabMachine) =>
    fingerprint(await readFile(hostKeyFile(directory, machine), 'utf8'));
  const definition: SiteInput = {
    name: site.name,
    kind: 'libvirt',
    key: directory.keyFile(site.name),
    frontend: {
      address: '127.0.0.1',
      port: site.doorPort,
      user: 'mvc',
      hostKey: await hostKey(site.frontend),
      publicAddress: site.wanAddress,
      lanAddress: lan.gateway,
    },
    containers: await Promise.all(
      site.containers.map(async (machine) => ({
        name: machine.container ?? '',
        address: machine.lanAddress,
        port: sshPort,
        user: 'mvc',
        hostKey: await hostKey(machine),
      })),
    ),
    network: {
      bridge: lan.bridge,
      gateway: lan.gateway,
      prefixLength: lan.prefixLength,
      addresses: lan.addresses,
    },
    udpPorts,
  };
  const path = directory.siteFile(site.name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeDurably(path, `${JSON.stringify(definition, undefined, 2)}\n`);
}

function policyOf(machine: LabMachine): HostPolicy {
  const common = { pool: '/var/lib/mvc', udpPorts, outside: [] };
  return machine.container === undefined
    ? { ...common, host: physicalFrontend, siteBridges: [] }
    : { ...common, host: machine.container, siteBridges: [lan.bridge], ...containerLimits };
}

/** What ssh must reach through the physical frontend: VM containers, and frontend VMs of clusters. */
function jumpTargets(site: LabSite): { address: string; port: number }[] {
  const addresses = [...site.containers.map((each) => each.lanAddress), ...lan.addresses];
  return addresses.map((address) => ({ address, port: sshPort }));
}
