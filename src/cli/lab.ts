import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import type { LabReport } from '../lab/status.ts';
import { mvcHome } from '../installation/home.ts';
import { labFaultCommands } from './lab-faults.ts';
import { formatDuration, printJson, printLine, printTable } from './output.ts';

/** `mvc lab …`: test sites on this machine. */
export function labCommand(): Command {
  const resolveHome = () => join(mvcHome().root, 'lab');
  const command = new Command('lab').description(
    'Test sites in network namespaces on a WAN whose delay can be set: physical frontends behind NAT, VM ' +
      "containers with libvirt, prepared by the same script as real sites. Needs root. The machine's own network is not touched.",
  );
  command.addCommand(upCommand(resolveHome));
  command.addCommand(downCommand(resolveHome));
  command.addCommand(statusCommand(resolveHome));
  command.addCommand(rttCommand(resolveHome));
  command.addCommand(rebootCommand(resolveHome));
  command.addCommand(execCommand(resolveHome));
  for (const each of labFaultCommands(resolveHome)) command.addCommand(each);
  return command;
}

interface UpOptions {
  rtt?: string;
  sites?: string;
  hosts?: string;
  bare?: boolean;
  json?: boolean;
}

function upCommand(resolveHome: () => string): Command {
  return new Command('up')
    .description('make the test sites, or repair what is missing of them')
    .option('--rtt <ms>', 'round-trip time between any two sites (100 for a new lab)')
    .option('--sites <number>', 'how many sites (3 for a new lab)')
    .option('--hosts <n,n…>', 'VM containers of each site, e.g. 1,2,1')
    .option('--bare', 'leave the machines unprepared, as an administrator finds them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mvc lab up
  mvc lab up --bare --rtt 20
  mvc lab up --rtt 20 --sites 4 --hosts 1,2,1,1
  for site in alpine beach cloud; do mvc site add -f $MVC_HOME/lab/sites/$site.json; done
`,
    )
    .action(async (options: UpOptions) => {
      const { labUp } = await import('../lab/lab.ts');
      const begin = Date.now();
      const report = await labUp({
        home: resolveHome(),
        ...(options.rtt === undefined ? {} : { rttMs: Number(options.rtt) }),
        ...(options.sites === undefined ? {} : { sites: Number(options.sites) }),
        ...(options.hosts === undefined ? {} : { hosts: options.hosts.split(',').map(Number) }),
        ...(options.bare ? { bare: true } : {}),
        onProgress: options.json ? () => undefined : printLine,
      });
      if (options.json) return printJson(report);
      printReport(report);
      const up = `The lab is up (${formatDuration(Date.now() - begin)}).`;
      if (options.bare)
        return printLine(`${up} Its sites are not prepared: \`mvc site init --help\``);
      printLine(`${up} Register its sites:`);
      for (const file of report.siteFiles) printLine(`  mvc site add -f ${file}`);
    });
}

function downCommand(resolveHome: () => string): Command {
  return new Command('down')
    .description('remove the test sites with everything in them')
    .addHelpText('after', '\nExample:\n  mvc lab down\n')
    .action(async () => {
      const { labDown } = await import('../lab/lab.ts');
      const begin = Date.now();
      const removed = await labDown({ home: resolveHome(), onProgress: printLine });
      printLine(
        removed ? `The lab is gone (${formatDuration(Date.now() - begin)}).` : 'There was no lab.',
      );
    });
}

function statusCommand(resolveHome: () => string): Command {
  return new Command('status')
    .description('show the test sites; exit code 1 if something of them is missing')
    .addHelpText('after', '\nExample:\n  mvc lab status --json\n')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const { labStatus } = await import('../lab/lab.ts');
      const report = await labStatus({ home: resolveHome() });
      if (options.json) printJson(report);
      else printReport(report);
      if (report.complete) return;
      if (!options.json) printLine('Something is missing; `mvc lab up` repairs it.');
      process.exitCode = 1;
    });
}

function printReport(report: LabReport): void {
  printLine(`lab ${report.id} in ${report.home}, ${report.rttMs} ms between any two sites`);
  printTable(
    ['SITE', 'MACHINE', 'LAN ADDRESS', 'STATE', 'PUBLIC ADDRESS', 'NAT', 'SSH'],
    report.sites.flatMap((site) =>
      site.machines.map((machine, index) => [
        site.name,
        machine.name,
        machine.address,
        machine.running ? 'running' : 'down',
        index === 0 ? site.publicAddress : '',
        index === 0 ? site.nat : '',
        index === 0 ? `${site.door}${site.connected ? '' : ' (not connected)'}` : '',
      ]),
    ),
  );
}

function rttCommand(resolveHome: () => string): Command {
  return new Command('rtt')
    .description('change the round-trip time of the running WAN')
    .addHelpText('after', '\nExample:\n  mvc lab rtt 20\n')
    .argument('<ms>', 'milliseconds between any two sites')
    .action(async (ms: string) => {
      const { labRtt } = await import('../lab/lab.ts');
      await labRtt({ home: resolveHome(), ms: Number(ms) });
      printLine(`${ms} ms between any two sites`);
    });
}

function rebootCommand(resolveHome: () => string): Command {
  return new Command('reboot')
    .description("cut a machine's power and start it again; its disk is kept")
    .addHelpText('after', '\nExample:\n  mvc lab reboot beach-h1\n')
    .argument('<machine>', 'as `mvc lab status` names it')
    .action(async (machine: string) => {
      const { labReboot } = await import('../lab/lab.ts');
      printLine(`cutting the power of ${machine} …`);
      await labReboot({ home: resolveHome(), machine });
      printLine(`${machine} runs again`);
    });
}

function execCommand(resolveHome: () => string): Command {
  return new Command('exec')
    .description('run a program as root inside a machine, to look into it')
    .argument('<machine>', 'as `mvc lab status` names it')
    .argument('<argv...>', 'program and arguments, after --')
    .addHelpText('after', '\nExample:\n  mvc lab exec alpine-h1 -- virsh list --all')
    .action(async (machine: string, argv: string[]) => {
      const { labExecArgv } = await import('../lab/lab.ts');
      const [program, ...args] = await labExecArgv({ home: resolveHome(), machine, argv });
      process.exitCode = await new Promise<number>((resolve, reject) => {
        const child = spawn(program, args, { stdio: 'inherit', cwd: '/' });
        child.on('error', (error) =>
          reject(new Failure('CommandFailed', `${program} could not be started`, { cause: error })),
        );
        child.on('close', (code) => resolve(code ?? 1));
      });
    });
}
