import { Command } from 'commander';
import { resolve } from 'node:path';
import { Failure, parseInput } from '../domain/failure.ts';
import { siteSchema, type LibvirtSite, type Site, type SiteFacts } from '../domain/site.ts';
import type { MvcClient } from '../client/mvc-client.ts';
import { withClient, withStore } from './context.ts';
import { printJson, printLine, printTable } from './output.ts';
import { siteCheckCommand } from './site-check.ts';
import { siteInitCommand } from './site-init.ts';
import { siteKeysCommand } from './site-keys.ts';
import { sitePrepareCommand } from './site-prepare.ts';
import { readSpecFile } from './spec-file.ts';

interface AddOptions {
  file?: string;
  kind: string;
  ssh?: string;
  hostKey?: string;
  key?: string;
  publicAddress?: string;
  lanAddress?: string;
  container: string[];
  bridge?: string;
  gateway?: string;
  addresses?: string;
  udpPorts?: string;
  json?: boolean;
}

/** `mvc site …` */
export function siteCommand(): Command {
  const command = new Command('site').description('register and inspect sites');
  // In the order of a site's life.
  command.addCommand(siteInitCommand());
  command.addCommand(siteKeysCommand());
  command.addCommand(siteCheckCommand());
  command.addCommand(addCommand());
  command.addCommand(listCommand());
  command.addCommand(showCommand());
  command.addCommand(updateCommand());
  command.addCommand(removeCommand());
  command.addCommand(sitePrepareCommand());
  return command;
}

function addCommand(): Command {
  return withSiteOptions(new Command('add'))
    .description('register a site: connects, checks host keys and tools, records it')
    .addHelpText(
      'after',
      `
Examples:
  mvc site add -f alpine.yaml
  mvc site add alpine --ssh mvc@alpine.example.org --host-key SHA256:… --key ~/.ssh/alpine \\
      --public-address 198.51.100.11 --lan-address 192.168.10.1 \\
      --container h1=192.168.10.11,SHA256:… --gateway 192.168.10.1/24 --addresses 192.168.10.100
  mvc site add dry --kind memory --container h1
`,
    )
    .action(async (name: string | undefined, options: AddOptions) => {
      await record(name, options, (client, site) => client.registerSite(site));
    });
}

function updateCommand(): Command {
  return withSiteOptions(new Command('update'))
    .description(
      'give a registered site a new definition (address, host keys, containers), after checking it',
    )
    .addHelpText('after', '\nExample:\n  mvc site update -f alpine.yaml\n')
    .action(async (name: string | undefined, options: AddOptions) => {
      await record(name, options, (client, site) => client.updateSite(site));
    });
}

async function record(
  name: string | undefined,
  options: AddOptions,
  ask: (client: MvcClient, site: Site) => Promise<SiteFacts>,
): Promise<void> {
  const site = await readSite(name, options);
  if (!options.json) printLine(`connecting to every host of ${site.name} …`);
  const facts = await withClient((client) => ask(client, site));
  if (options.json) printJson(facts);
  else printFacts(facts);
}

function withSiteOptions(command: Command): Command {
  const collect = (value: string, list: string[]) => [...list, value];
  return command
    .argument('[name]', 'name of the site (not needed with -f)')
    .option('-f, --file <file>', 'site as YAML or JSON')
    .option('--kind <kind>', 'libvirt, or memory for a site that exists in memory only', 'libvirt')
    .option('--ssh <user@host:port>', 'how ssh reaches the physical frontend')
    .option('--host-key <SHA256:…>', "fingerprint of the physical frontend's host key")
    .option('--key <file>', 'private ssh key for this site (stays where it is)')
    .option('--public-address <ip>', "where other sites' UDP reaches the physical frontend")
    .option('--lan-address <ip>', 'the physical frontend as its VM containers see it')
    .option(
      '--container <name=host,SHA256:…>',
      'a VM container with its host key (repeat)',
      collect,
      [],
    )
    .option('--bridge <name>', "bridge at the VM containers into the site's network", 'lan0')
    .option('--gateway <ip/prefix>', "gateway of the site's network, e.g. 192.168.10.1/24")
    .option('--addresses <ip,ip…>', 'addresses in it for frontend VMs')
    .option('--udp-ports <first-last>', 'UDP ports for overlays', '7700-7799')
    .option('--json', 'print the facts of the site as JSON');
}

async function readSite(name: string | undefined, options: AddOptions): Promise<Site> {
  if (options.file !== undefined) {
    return readSpecFile(options.file, 'site', name === undefined ? {} : { name });
  }
  if (name === undefined) throw new Failure('BadInput', 'name the site, or give a file with -f');
  const isMemory = options.kind === 'memory';
  const input = isMemory ? memoryInput(name, options) : libvirtInput(name, options);
  return parseInput(siteSchema, input, 'the site');
}

function memoryInput(name: string, options: AddOptions): unknown {
  const containers = options.container.length > 0 ? options.container : ['h1'];
  return { name, kind: 'memory', containers: containers.map((each) => ({ name: each })) };
}

/** Leaves every check of values to the schema; only splits what is written together. */
function libvirtInput(name: string, options: AddOptions): unknown {
  const ssh = /^(?:([^@]+)@)?([^:]+)(?::(\d+))?$/.exec(options.ssh ?? '');
  const [gateway, prefixLength] = (options.gateway ?? '').split('/');
  const [first, last] = (options.udpPorts ?? '').split('-').map(Number);
  return {
    name,
    kind: options.kind,
    key: options.key === undefined ? undefined : resolve(options.key),
    frontend: {
      address: ssh?.[2],
      ...(ssh?.[1] === undefined ? {} : { user: ssh[1] }),
      ...(ssh?.[3] === undefined ? {} : { port: Number(ssh[3]) }),
      hostKey: options.hostKey,
      publicAddress: options.publicAddress,
      lanAddress: options.lanAddress,
    },
    containers: options.container.map((each) => {
      const [, container, address, hostKey] = /^([^=]*)=([^,]*),(.*)$/.exec(each) ?? [];
      return { name: container ?? each, address, hostKey };
    }),
    network: {
      bridge: options.bridge,
      gateway,
      prefixLength: Number(prefixLength),
      addresses: options.addresses?.split(',') ?? [],
    },
    udpPorts: { first, last },
  };
}

function listCommand(): Command {
  return new Command('list')
    .description('list the registered sites')
    .addHelpText('after', '\nExample:\n  mvc site list\n')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const sites = await withStore(async (db) =>
        (await import('../store/sites.ts')).listSites(db),
      );
      if (options.json) return printJson(sites);
      if (sites.length === 0)
        return printLine('no sites are registered; `mvc site add --help` tells how');
      printTable(
        ['SITE', 'KIND', 'STATE', 'VM CONTAINERS', 'FREE MEMORY'],
        sites.map(({ site, state, facts }) => [
          site.name,
          site.kind,
          state,
          site.containers.map((each) => each.name).join(', '),
          facts ? `${freeMiB(facts)} MiB` : '?',
        ]),
      );
    });
}

function freeMiB(facts: SiteFacts): number {
  return facts.hosts.reduce(
    (sum, { capacity }) => sum + (capacity ? capacity.memoryMiB - capacity.committedMiB : 0),
    0,
  );
}

function showCommand(): Command {
  return new Command('show')
    .description('show one site: its definition and what it said last')
    .addHelpText('after', '\nExample:\n  mvc site show alpine\n')
    .argument('<name>')
    .option('--json', 'as JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const found = await withStore(async (db) =>
        (await import('../store/sites.ts')).findSite(db, name),
      );
      if (!found)
        throw new Failure('NotFound', `site ${name} is not registered`, {
          help: '`mvc site list` shows those that are',
        });
      if (options.json) return printJson(found);
      printLine(`${found.site.name} (${found.site.kind}, ${found.state})`);
      if (found.site.kind === 'libvirt') printLibvirt(found.site);
      if (found.facts) printFacts(found.facts);
    });
}

function printLibvirt(site: LibvirtSite): void {
  const { frontend } = site;
  printLine(
    `  physical frontend  ${frontend.user}@${frontend.address}:${frontend.port}  ${frontend.hostKey}`,
  );
  printLine(
    `  public address     ${frontend.publicAddress}, UDP ${site.udpPorts.first}–${site.udpPorts.last}`,
  );
}

function printFacts(facts: SiteFacts): void {
  printTable(
    ['HOST', 'VIRTUALIZATION', 'CPUS', 'MEMORY', 'COMMITTED', 'POOL FREE', 'TOOLS'],
    facts.hosts.map(({ host, capacity, tools }) => [
      host,
      capacity?.virtualization ?? '-',
      capacity ? String(capacity.cpus) : '-',
      capacity ? `${capacity.memoryMiB} MiB` : '-',
      capacity ? `${capacity.committedMiB} MiB` : '-',
      capacity ? `${capacity.poolFreeMiB} MiB` : '-',
      Object.entries(tools)
        .map(([tool, version]) => `${tool} ${version}`)
        .join(', '),
    ]),
  );
}

function removeCommand(): Command {
  return new Command('remove')
    .description('forget a site; refused while a cluster uses it')
    .addHelpText('after', '\nExample:\n  mvc site remove alpine\n')
    .option('--json', 'as JSON')
    .argument('<name>')
    .action(async (name: string, options: { json?: boolean }) => {
      await withClient((client) => client.removeSite(name));
      if (options.json) return printJson({ site: name, removed: true });
      printLine(`site ${name} is forgotten; nothing was changed there`);
    });
}
