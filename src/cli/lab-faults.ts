import { Argument, Command, Option } from 'commander';
import { natKinds, type NatKind } from '../lab/plan.ts';
import type { DoorChoice } from '../lab/site-network.ts';
import { printLine } from './output.ts';

type Home = () => string;

/** What breaks something of the test sites on purpose, and mends it. */
export function labFaultCommands(home: Home): Command[] {
  return [
    wanCommand(home),
    natCommand(home),
    addressCommand(home),
    restartCommand(home),
    killCommand(home),
    cutCommand(home),
    hostKeyCommand(home),
    diskCommand(home),
  ];
}

function wanCommand(home: Home): Command {
  return new Command('wan')
    .summary('cut a site off the WAN, or mend that')
    .description(
      'Cuts a site off the WAN: packets are dropped without a word, so that connections hang as in a black ' +
        'hole. `up` mends it; connections that are mended soon go on. `mvc lab up` mends it too.',
    )
    .argument('<site>')
    .addArgument(new Argument('<state>').choices(['down', 'up']))
    .addHelpText('after', '\nExample:\n  mvc lab wan beach down; sleep 60; mvc lab wan beach up')
    .action(async (site: string, state: 'down' | 'up') => {
      const { labWan } = await import('../lab/faults.ts');
      await labWan({ home: home(), site, state });
      printLine(state === 'down' ? `${site} is cut off the WAN` : `${site} is on the WAN`);
    });
}

const natHelp = `
Kinds:
  open             what rules of the site hand on to containers comes in, UDP and TCP at the site's overlay ports (a new lab)
  full-cone        a container keeps its UDP port, and who ever sends to it gets through
  port-restricted  it keeps its port; only those to which it has sent get through
  symmetric        another port for each address and port to which it sends
  udp-blocked      no UDP, neither way
  double           port-restricted behind a provider's NAT of the same kind

But for \`open\`, nothing comes in unasked except ssh, whatever rules the site has.

Example:
  mvc lab nat beach symmetric`;

function natCommand(home: Home): Command {
  return new Command('nat')
    .summary('put another kind of NAT before a site')
    .description(
      "Puts another gateway in place of a site's, while all else runs on. Like a box that was exchanged, it " +
        'knows nothing of the flows before. ssh to the site works with each kind. `mvc lab up` keeps the kind.',
    )
    .argument('<site>')
    .addArgument(new Argument('<kind>', 'kind of NAT').choices(natKinds))
    .addHelpText('after', natHelp)
    .action(async (site: string, kind: NatKind) => {
      const { labNat } = await import('../lab/faults.ts');
      await labNat({ home: home(), site, kind });
      printLine(`the gateway of ${site} is ${kind}`);
    });
}

function addressCommand(home: Home): Command {
  return new Command('address')
    .summary("change a site's public address")
    .description(
      'Gives a site another public address, as a provider does; nobody is told. `mvc lab up` keeps it. The ' +
        "controller's ssh follows, or stays at the old address, where nobody answers, until `mvc lab up`.",
    )
    .argument('<site>')
    .argument('<address>', 'from 198.51.100.3 to 198.51.100.254')
    .addOption(
      new Option('--ssh <choice>', "where the controller's ssh goes")
        .choices(['follows', 'stays'])
        .default('follows'),
    )
    .addHelpText('after', '\nExample:\n  mvc lab address beach 198.51.100.77 --ssh stays')
    .action(async (site: string, address: string, options: { ssh: DoorChoice }) => {
      const { labAddress } = await import('../lab/faults.ts');
      await labAddress({ home: home(), site, address, door: options.ssh });
      printLine(`${site} has the address ${address}`);
    });
}

function restartCommand(home: Home): Command {
  return machineCommand('restart')
    .summary('restart sshd or libvirtd of a machine')
    .description('Restarts a service of a machine and waits until it answers again.')
    .addArgument(new Argument('<service>').choices(['sshd', 'libvirtd']))
    .option('--kill', 'by SIGKILL; of sshd also what serves connections')
    .addHelpText('after', '\nExample:\n  mvc lab restart beach-h1 libvirtd --kill')
    .action(async (machine: string, service: 'sshd' | 'libvirtd', options: { kill?: boolean }) => {
      const { labRestart } = await import('../lab/faults.ts');
      await labRestart({ home: home(), machine, service, ...options });
      printLine(`${service} of ${machine} runs again`);
    });
}

function killCommand(home: Home): Command {
  return machineCommand('kill')
    .summary('kill programs inside a machine')
    .description('Sends SIGKILL to the processes of a program inside a machine.')
    .argument('<program>', 'file name of the program')
    .option('--with <text>', 'only those with this text in their arguments', '')
    .addHelpText(
      'after',
      '\nExamples:\n  mvc lab kill alpine-h1 wireguard-go\n' +
        '  mvc lab kill beach-h1 qemu-system-x86_64 --with guest=demo-compute-beach-0,',
    )
    .action(async (machine: string, program: string, options: { with: string }) => {
      const { labKill } = await import('../lab/faults.ts');
      const killed = await labKill({ home: home(), machine, program, containing: options.with });
      printLine(`${killed} processes killed at ${machine}`);
    });
}

function cutCommand(home: Home): Command {
  return machineCommand('cut')
    .summary('cut the ssh connections of a machine')
    .description(
      'Kills what serves ssh connections at a machine. sshd and the commands that were started go on.',
    )
    .addOption(
      new Option(
        '--during-command <seconds>',
        'wait so long for a command to run, and cut in its middle',
      ).argParser(Number),
    )
    .addHelpText('after', '\nExample:\n  mvc lab cut beach-h1 --during-command 60')
    .action(async (machine: string, options: { duringCommand?: number }) => {
      const { labCut } = await import('../lab/faults.ts');
      const { duringCommand: seconds } = options;
      const cut = await labCut({
        home: home(),
        machine,
        ...(seconds === undefined ? {} : { duringCommandMs: seconds * 1000 }),
      });
      printLine(`${cut} connections cut at ${machine}`);
    });
}

function hostKeyCommand(home: Home): Command {
  return machineCommand('host-key')
    .summary("change a machine's ssh host key, or put it back")
    .description(
      'Lets a machine show another ssh host key than the registered one, as if somebody else answered in its ' +
        'place. Connections end. `restore` puts its own key back.',
    )
    .addArgument(new Argument('<action>').choices(['change', 'restore']))
    .addHelpText('after', '\nExample:\n  mvc lab host-key beach change')
    .action(async (machine: string, action: 'change' | 'restore') => {
      const { labHostKey } = await import('../lab/faults.ts');
      await labHostKey({ home: home(), machine, action });
      printLine(
        action === 'change'
          ? `${machine} shows another host key`
          : `${machine} has its own host key`,
      );
    });
}

function diskCommand(home: Home): Command {
  return machineCommand('disk')
    .summary("fill a machine's pool, or free it")
    .description(
      "Limits a machine's pool, /var/lib/mvc, to what is in it, or lifts that limit. A pool that was ever " +
        'limited is in memory from then on, and does not outlive a reboot of the machine.',
    )
    .addArgument(new Argument('<action>').choices(['fill', 'free']))
    .addOption(new Option('--room <MiB>', 'what may still be written').argParser(Number).default(0))
    .addHelpText('after', '\nExample:\n  mvc lab disk beach-h1 fill --room 16')
    .action(async (machine: string, action: 'fill' | 'free', options: { room: number }) => {
      const { labDisk } = await import('../lab/faults.ts');
      await labDisk({ home: home(), machine, action, roomMiB: options.room });
      printLine(
        action === 'fill'
          ? `the pool of ${machine} has ${options.room} MiB left`
          : `the pool of ${machine} has room again`,
      );
    });
}

function machineCommand(name: string): Command {
  return new Command(name).argument('<machine>', 'as `mvc lab status` names it');
}
