import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { printJson, printLines } from './output.ts';
import type { SiteWords } from './site-init/site-plan.ts';

interface Options extends SiteWords {
  write?: string;
  force?: boolean;
  run?: boolean;
  as?: string;
  json?: boolean;
}

/** What `mvc site init` made, as `--json` prints it. */
export interface SiteBegun {
  site: string;
  /** The site's file, for `mvc site keys`, `check` and `add`. */
  file: string;
  /** It was there and said the same. */
  kept: boolean;
  /** Private key of the site; its public half is in the scripts. */
  key: string;
  scripts: {
    host: string;
    file: string;
    /** It ran there now and succeeded. */
    ran: boolean;
  }[];
}

/** `mvc site init`: makes all that a user and the administrators of a new site need. */
export function siteInitCommand(): Command {
  const collect = (value: string, list: string[]) => [...list, value];
  return new Command('init')
    .summary('begin a new site: key, the script of each of its hosts, and the site’s file')
    .description(
      'Makes a directory with a new ssh key, one script per host for the site’s administrators, and site.yaml. ' +
        'Without --run nothing is asked of the site yet. May be run again: a key that is there is kept, so is a ' +
        'site.yaml that says the same; scripts are written anew. Where one machine is physical frontend and VM ' +
        'container, give it as a container at --lan-address.',
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
    .option('--no-inbound', 'no UDP from outside reaches the site; it cannot be the origin then')
    .option('--write <directory>', 'where to write; by default a directory of the site’s name')
    .option('--force', 'write over a site.yaml that says something else')
    .option('--run', 'run each script at its host, over your own ssh (as root, or by sudo)')
    .option('--as <user>', 'with --run: your account at the hosts; by default as your ssh has it')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mvc site init alpine --ssh alpine.example.org --public-address 198.51.100.11 --lan-address 192.168.10.1 \\
      --container h1=192.168.10.11 --gateway 192.168.10.1/24 --addresses 192.168.10.100,192.168.10.101
  mvc site init alpine --ssh alpine.example.org --public-address 198.51.100.11 --lan-address 192.168.10.1 \\
      --container h1=192.168.10.11 --gateway 192.168.10.1/24 --addresses 192.168.10.100 --run --as root
`,
    )
    .action(beginSite);
}

async function beginSite(name: string, options: Options): Promise<void> {
  if (options.as !== undefined && !options.run) {
    throw new Failure('BadInput', '--as says who runs the scripts over ssh: give --run with it');
  }
  const [
    { readSitePlan },
    { planSiteFile },
    { ensureKey, writeScripts },
    { planRuns, runScripts },
  ] = await Promise.all([
    import('./site-init/site-plan.ts'),
    import('./site-init/site-file.ts'),
    import('./site-init/host-scripts.ts'),
    import('./site-init/run-scripts.ts'),
  ]);
  const plan = readSitePlan(name, options);
  const directory = resolve(options.write ?? name);
  const [file, key] = [join(directory, 'site.yaml'), join(directory, 'key')];
  // All that can be refused is refused before anything is written.
  const work = await planSiteFile(file, plan, key, options.force ?? false);
  const runs = options.run ? planRuns(plan, options.as) : [];
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const scripts = await writeScripts(directory, plan, await ensureKey(key, name));
  if (!work.keep) await writeFile(file, work.text);
  if (options.run) await runScripts(scripts, runs, options.json ?? false);
  const begun: SiteBegun = {
    site: name,
    file,
    kept: work.keep,
    key,
    scripts: scripts.map((each) => {
      return { host: each.host, file: each.file, ran: options.run ?? false };
    }),
  };
  if (options.json) printJson(begun);
  else printLines(whatNext(directory, begun));
}

function whatNext(directory: string, { file, kept, scripts }: SiteBegun): string[] {
  const toRun = scripts.filter((each) => !each.ran);
  return [
    ...(kept ? [`${file} said the same already and is kept, with its host keys.`] : []),
    ...(toRun.length === 0
      ? ['Every host is prepared and has printed the fingerprints of its ssh keys above.']
      : [
          `${directory} is ready. Give each script to the administrator of its host, who reads it and runs it as root:`,
          ...toRun.map((each) => `  ${each.host.padEnd(20)}${each.file}`),
          'Each prints the fingerprints of its host’s ssh keys at its end.',
        ]),
    'Compare them by',
    `  mvc site keys -f ${file}`,
  ];
}
