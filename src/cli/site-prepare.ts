import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { physicalFrontend } from '../domain/site.ts';
import type { PrepareOptions } from '../site/prepare.ts';
import { printLine } from './output.ts';
import type { ScriptRun } from './run-over-ssh.ts';

interface Options {
  frontend?: boolean;
  container?: string;
  key: string;
  jumpTo: string[];
  pool: string;
  bridge: string[];
  udpPorts: string;
  maxCpus?: string;
  maxMemory?: string;
  run?: boolean;
  at?: string;
  through?: string;
}

/** `mvc site prepare`: the script with which a site's administrator lets the controller in. */
export function sitePrepareCommand(): Command {
  const collect = (value: string, list: string[]) => [...list, ...value.split(',')];
  return new Command('prepare')
    .summary("print the script that a site's administrator runs once at each host")
    .description(
      'Prints the shell script that an administrator reads and runs as root at one host of a site. ' +
        'It makes an account without password whose key may run mvc-site and nothing else. Safe to run again.',
    )
    .option('--frontend', 'the host is the physical frontend')
    .option(
      '--container <name>',
      'the host is the VM container of this name; with --frontend it is both',
    )
    .requiredOption('--key <file>', 'public ssh key of the controller for this site (a .pub file)')
    .option(
      '--jump-to <address[:port]>',
      'physical frontend: VM containers and cluster frontends that may be reached through it (repeat, or separate by commas)',
      collect,
      [],
    )
    .option('--pool <directory>', 'where images, disks and state are kept', '/var/lib/mvc')
    .option(
      '--bridge <name>',
      "bridge that VMs may join into the site's network (repeat)",
      collect,
      [],
    )
    .option('--udp-ports <first-last>', 'UDP ports for overlays', '7700-7799')
    .option('--max-cpus <number>', 'what all VMs of the host together may take, whoever made them')
    .option('--max-memory <MiB>', 'the same for memory')
    .option('--run', 'run the script on this very machine instead of printing it (as root)')
    .option(
      '--at <[user@]host[:port]>',
      'run it at that host instead of printing it, over your own ssh (as root, or by sudo)',
    )
    .option('--through <[user@]host[:port]>', 'with --at: by way of this host, as with ssh -J')
    .addHelpText(
      'after',
      `
Examples:
  mvc site prepare --frontend --key alpine.pub --jump-to 192.168.10.11,192.168.10.12,192.168.10.100 > frontend.sh
  mvc site prepare --container h1 --key alpine.pub --bridge lan0 --max-memory 65536 > h1.sh
  mvc site prepare --container h1 --key alpine.pub --bridge lan0 --at admin@192.168.10.11 --through admin@alpine.example.org
  sudo mvc site prepare --container h1 --key alpine.pub --bridge lan0 --run
`,
    )
    .action(async (options: Options) => {
      const way = await wayThere(options);
      const { renderPrepareScript } = await import('../site/prepare.ts');
      const script = renderPrepareScript(await prepareOptions(options));
      if (way) await runThere(way, script);
      else if (options.run) await runScript(script);
      else process.stdout.write(script);
    });
}

/** Leaves every check of values to the schema of the script. */
async function prepareOptions(options: Options): Promise<PrepareOptions> {
  const [first, last] = options.udpPorts.split('-').map(Number);
  const { bundleMvcSite } = await import('../site/bundle.ts');
  return {
    policy: {
      ...hostNames(options),
      pool: options.pool,
      siteBridges: options.bridge,
      udpPorts: { first: first ?? Number.NaN, last: last ?? Number.NaN },
      ...(options.maxCpus === undefined ? {} : { maxCpus: Number(options.maxCpus) }),
      ...(options.maxMemory === undefined ? {} : { maxMemoryMiB: Number(options.maxMemory) }),
    },
    publicKey: await readPublicKey(options.key),
    jumpTo: options.jumpTo.map((target) => {
      const [address = '', port] = target.split(':');
      return { address, ...(port === undefined ? {} : { port: Number(port) }) };
    }),
    program: await bundleMvcSite(),
  };
}

function hostNames({ frontend, container }: Options): { host: string; container?: string } {
  if (frontend)
    return { host: physicalFrontend, ...(container === undefined ? {} : { container }) };
  if (container !== undefined && container !== physicalFrontend) return { host: container };
  throw new Failure('BadInput', 'say which host it is: --frontend, --container <name>, or both');
}

/** How the person's ssh gets to the host where the script is to run, unless it is printed or runs here. */
async function wayThere(options: Options): Promise<Omit<ScriptRun, 'script'> | undefined> {
  const { at, through, run } = options;
  if (at === undefined) {
    if (through === undefined) return undefined;
    throw new Failure('BadInput', '--through is the way to another host: give --at with it');
  }
  if (run)
    throw new Failure('BadInput', '--run runs the script here, --at there: give one of them');
  const { parseDestination } = await import('./run-over-ssh.ts');
  return {
    host: hostNames(options).host,
    to: parseDestination(at),
    ...(through === undefined ? {} : { through: parseDestination(through) }),
  };
}

async function runThere(way: Omit<ScriptRun, 'script'>, script: string): Promise<void> {
  const { describe, runOverSsh } = await import('./run-over-ssh.ts');
  printLine(`${way.host}: running its script at ${describe(way.to)} …`);
  await runOverSsh({ ...way, script }, (line) => printLine(`  ${line}`));
}

async function readPublicKey(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure('BadInput', `the public key ${file} cannot be read`, {
      cause: error,
      help: '`ssh-keygen -t ed25519 -f <file>` makes a key; its public half is <file>.pub',
    });
  }
  if (!text.includes('PRIVATE KEY')) return text;
  throw new Failure('BadInput', `${file} is a private key; it must not leave the controller`, {
    help: `give its public half, ${file}.pub`,
  });
}

async function runScript(script: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Failure('BadInput', 'only root can prepare a host', {
      help: 'run it with sudo, or leave --run out to print the script',
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn('/bin/sh', ['-s'], { stdio: ['pipe', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', resolve);
    // A script that ends early has said why by then.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  });
  if (code !== 0) throw new Failure('CommandFailed', `the preparation ended with ${code}`);
}
