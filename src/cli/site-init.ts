import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { Failure, parseInput } from '../domain/failure.ts';
import {
  containerNameSchema,
  interfaceNameSchema,
  ipv4Schema,
  portRangeSchema,
  portSchema,
  siteNameSchema,
  sshAddressSchema,
} from '../domain/names.ts';
import { physicalFrontend } from '../domain/site.ts';
import { printLines } from './output.ts';

interface Options {
  ssh: string;
  publicAddress: string;
  lanAddress: string;
  container: string[];
  gateway: string;
  addresses: string;
  bridge: string;
  udpPorts: string;
  write?: string;
}

const planSchema = z.strictObject({
  name: siteNameSchema,
  address: sshAddressSchema,
  port: portSchema,
  publicAddress: ipv4Schema,
  lanAddress: ipv4Schema,
  containers: z
    .array(
      z.strictObject({ name: containerNameSchema, address: sshAddressSchema.pipe(ipv4Schema) }),
    )
    .min(1, 'a site needs at least one VM container: --container h1=192.168.10.11')
    .refine(
      (all) => new Set(all.map((each) => each.name)).size === all.length,
      'VM container names must differ',
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
type SitePlan = z.output<typeof planSchema>;

/** `mvc site init`: makes all that a user and the administrators of a new site need. */
export function siteInitCommand(): Command {
  const collect = (value: string, list: string[]) => [...list, value];
  return new Command('init')
    .summary('begin a new site: key, the script of each of its hosts, and the site’s file')
    .description(
      'Makes a directory with a new ssh key, one script per host for the site’s administrators, and site.yaml. ' +
        'Nothing is asked of the site yet. A key that is there is kept; scripts and file are written anew.',
    )
    .argument('<name>', 'name of the site')
    .requiredOption('--ssh <host[:port]>', 'how ssh reaches the physical frontend from here')
    .requiredOption('--public-address <ip>', "where other sites' UDP reaches the physical frontend")
    .requiredOption('--lan-address <ip>', 'the physical frontend as its VM containers see it')
    .option('--container <name=ip>', 'a VM container in the site’s network (repeat)', collect, [])
    .requiredOption('--gateway <ip/prefix>', "gateway of the site's network, e.g. 192.168.10.1/24")
    .requiredOption('--addresses <ip,ip…>', 'free addresses in it, for frontend VMs')
    .option('--bridge <name>', "bridge at the VM containers into the site's network", 'lan0')
    .option('--udp-ports <first-last>', 'UDP ports for overlays', '7700-7799')
    .option('--write <directory>', 'where to write; by default a directory of the site’s name')
    .addHelpText(
      'after',
      `
Example:
  mvc site init alpine --ssh alpine.example.org --public-address 198.51.100.11 --lan-address 192.168.10.1 \\
      --container h1=192.168.10.11 --gateway 192.168.10.1/24 --addresses 192.168.10.100,192.168.10.101
`,
    )
    .action(async (name: string, options: Options) => {
      const plan = parseInput(planSchema, planInput(name, options), 'the new site');
      refuseOneMachine(plan);
      const directory = resolve(options.write ?? name);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const key = join(directory, 'key');
      await ensureKey(key, name);
      const scripts = await writeScripts(directory, plan, await readFile(`${key}.pub`, 'utf8'));
      await writeFile(join(directory, 'site.yaml'), siteFile(plan, key));
      printLines(whatNext(directory, scripts));
    });
}

/** Leaves every check of values to the schema; only splits what is written together. */
function planInput(name: string, options: Options): unknown {
  const [, address, port] = /^([^:]*)(?::(\d+))?$/.exec(options.ssh) ?? [undefined, options.ssh];
  const [gateway, prefixLength] = options.gateway.split('/');
  const [first, last] = options.udpPorts.split('-').map(Number);
  return {
    name,
    address,
    port: port === undefined ? 22 : Number(port),
    publicAddress: options.publicAddress,
    lanAddress: options.lanAddress,
    containers: options.container.map((each) => {
      const [container, ip] = each.split('=');
      return { name: container, address: ip };
    }),
    gateway,
    prefixLength: Number(prefixLength),
    addresses: options.addresses.split(','),
    bridge: options.bridge,
    udpPorts: { first, last },
  };
}

/** One policy, one name and one list of what is ours per machine: two roles would answer for each other. */
function refuseOneMachine({ containers, lanAddress, publicAddress, address }: SitePlan): void {
  const frontend = [lanAddress, publicAddress, address, '127.0.0.1'];
  const same = containers.find((each) => frontend.includes(each.address));
  if (!same) return;
  throw new Failure(
    'BadInput',
    `${same.address} is both the physical frontend and the VM container ${same.name}; a site needs two machines`,
    {
      help: 'the physical frontend needs neither KVM nor much memory: a small VM or a container with an sshd of its own on the same host will do',
    },
  );
}

async function ensureKey(path: string, site: string): Promise<void> {
  if (existsSync(path) && existsSync(`${path}.pub`)) return;
  if (existsSync(path)) {
    throw new Failure('Conflict', `${path} exists without ${path}.pub`, {
      help: `\`ssh-keygen -yf ${path}\` prints the public half`,
    });
  }
  const { generateSshKey } = await import('../transport/ssh-key.ts');
  const key = generateSshKey(`mvc@${site}`);
  await writeFile(path, key.privateKey, { mode: 0o600 });
  await writeFile(`${path}.pub`, `${key.publicKey.trim()}\n`);
}

async function writeScripts(
  directory: string,
  plan: SitePlan,
  publicKey: string,
): Promise<{ host: string; file: string }[]> {
  const [{ renderPrepareScript }, { bundleMvcSite }] = await Promise.all([
    import('../site/prepare.ts'),
    import('../site/bundle.ts'),
  ]);
  const program = await bundleMvcSite();
  const { udpPorts } = plan;
  const jumpTo = [...plan.containers.map((each) => each.address), ...plan.addresses];
  const hosts = [
    { host: physicalFrontend, siteBridges: [], jumpTo: jumpTo.map((address) => ({ address })) },
    ...plan.containers.map(({ name }) => ({ host: name, siteBridges: [plan.bridge], jumpTo: [] })),
  ];
  const written: { host: string; file: string }[] = [];
  for (const { host, siteBridges, jumpTo: targets } of hosts) {
    const policy = { host, siteBridges, udpPorts };
    const script = renderPrepareScript({
      policy: { pool: '/var/lib/mvc', ...policy },
      publicKey,
      program,
      jumpTo: targets,
    });
    const file = join(directory, `${host}.sh`);
    await writeFile(file, script);
    written.push({ host, file });
  }
  return written;
}

/** Every value was checked by its schema: none can end its line or its quotes. */
function siteFile(plan: SitePlan, key: string): string {
  return `# Written by mvc site init; yours to edit.
name: ${plan.name}
kind: libvirt
key: ${JSON.stringify(key)} # private; stays on this machine
frontend:
  address: ${plan.address}
  port: ${plan.port}
  hostKey: '' # \`mvc site keys\` fills these in, after you compared them
  publicAddress: ${plan.publicAddress} # where other sites' UDP reaches it
  lanAddress: ${plan.lanAddress} # as its VM containers see it
containers:
${plan.containers.map(({ name, address }) => `  - { name: ${name}, address: ${address}, hostKey: '' }`).join('\n')}
network: # the site's own, for the second interface of frontend VMs
  bridge: ${plan.bridge} # on each VM container
  gateway: ${plan.gateway}
  prefixLength: ${plan.prefixLength}
  addresses: [${plan.addresses.join(', ')}]
udpPorts: { first: ${plan.udpPorts.first}, last: ${plan.udpPorts.last} }
`;
}

function whatNext(directory: string, scripts: { host: string; file: string }[]): string[] {
  return [
    `${directory} is ready. Give each script to the administrator of its host, who reads it and runs it as root:`,
    ...scripts.map(({ host, file }) => `  ${host.padEnd(20)}${file}`),
    'Each prints the fingerprints of its host’s ssh keys at its end. Compare them by',
    `  mvc site keys -f ${join(directory, 'site.yaml')}`,
  ];
}
