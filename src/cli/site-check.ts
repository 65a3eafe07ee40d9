import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { physicalFrontend, type LibvirtSite, type Site } from '../domain/site.ts';
import type { Check } from '../domain/site-check.ts';
import { withStore } from './context.ts';
import { printable, printJson, printLine } from './output.ts';
import { readSpecFile } from './spec-file.ts';

interface Options {
  file: string[];
  udp: boolean;
  json?: boolean;
}

/** `mvc site check`: tries what a cluster will need, before a site is registered and after. */
export function siteCheckCommand(): Command {
  return new Command('check')
    .summary('try all that a cluster will need of sites, and say what to mend')
    .description(
      'Asks every host of the sites: ssh, host key, our program, sudo, clock, policy, bridge, forwarding, packages, ' +
        'overlays, libvirt, KVM, pool; then sends UDP from each VM container to the public address of each of the sites, and back. ' +
        'Nothing is changed anywhere, and a site from a file need not be registered. Exit code 1 if something ' +
        'is to be mended.',
    )
    .argument('[names...]', 'registered sites')
    .option(
      '-f, --file <file>',
      'a site as YAML or JSON, registered or not (repeat)',
      (value: string, list: string[]) => [...list, value],
      [],
    )
    .option('--no-udp', 'leave the UDP trial out (it takes some seconds per site)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  mvc site check -f alpine/site.yaml -f beach/site.yaml\n  mvc site check alpine beach\n',
    )
    .action(async (names: string[], options: Options) => {
      const sites = await wantedSites(names, options.file);
      if (!options.json) {
        printLine(`trying every host of ${sites.map((site) => site.name).join(', ')} …`);
      }
      const checks = await checkSites(sites, options.udp);
      const toMend = checks.filter((each) => each.state === 'mend').length;
      if (options.json) printJson(checks);
      else printChecks(checks, toMend);
      if (toMend > 0) process.exitCode = 1;
    });
}

async function wantedSites(names: string[], files: string[]): Promise<LibvirtSite[]> {
  if (names.length + files.length === 0) {
    throw new Failure('BadInput', 'name registered sites, or give a site’s file with -f');
  }
  const registered = names.length === 0 ? [] : await registeredSites(names);
  const given: Site[] = [];
  for (const file of files) {
    given.push(await readSpecFile(file, 'site'));
  }
  return [...registered, ...given].map((site) => {
    if (site.kind === 'libvirt') return site;
    throw new Failure(
      'BadInput',
      `site ${site.name} exists in memory only: nothing is to be tried`,
    );
  });
}

function registeredSites(names: string[]): Promise<Site[]> {
  return withStore(async (db) => {
    const { findSite } = await import('../store/sites.ts');
    return Promise.all(
      names.map(async (name) => {
        const found = await findSite(db, name);
        if (found) return found.site;
        throw new Failure('NotFound', `site ${name} is not registered`, {
          help: '`mvc site list` shows those that are; -f checks one that is not',
        });
      }),
    );
  });
}

async function checkSites(sites: LibvirtSite[], udp: boolean): Promise<Check[]> {
  const [{ createSshDoor }, { tryHost }, { tryUdp }] = await Promise.all([
    import('../transport/ssh-door.ts'),
    import('./site-check/try-host.ts'),
    import('./site-check/try-udp.ts'),
  ]);
  const opened = sites.map((site) => ({ site, door: createSshDoor(site) }));
  try {
    const tried = await Promise.all(
      opened.map(async ({ site, door }) => {
        const hosts = [physicalFrontend, ...site.containers.map((each) => each.name)];
        return Promise.all(hosts.map((host) => tryHost(site, door, host)));
      }),
    );
    const checks = tried.flat().flatMap((each) => each.checks);
    if (!udp) return checks;
    const answering = (index: number, wanted: (host: string) => boolean) =>
      (tried[index] ?? []).filter((each) => each.answers && wanted(each.host));
    const senders = opened.flatMap(({ site, door }, index) =>
      answering(index, (host) => host !== physicalFrontend).map(({ host }) => {
        return { site: site.name, host, door };
      }),
    );
    for (const [index, { site, door }] of opened.entries()) {
      if (answering(index, (host) => host === physicalFrontend).length === 0) continue;
      checks.push(...(await tryUdp(site, door, senders)));
    }
    return checks;
  } finally {
    for (const { door } of opened) door.close();
  }
}

function printChecks(checks: Check[], toMend: number): void {
  const width = (pick: (each: Check) => string) => Math.max(...checks.map((c) => pick(c).length));
  const where = (each: Check) => `${each.site}/${each.host}`;
  const whereWidth = width(where);
  const checkWidth = width((each) => each.check);
  for (const each of checks) {
    const left = `${each.state.padEnd(7)}  ${where(each).padEnd(whereWidth)}  `;
    printLine(`${left}${each.check.padEnd(checkWidth)}  ${printable(each.found)}`);
    if (each.mend !== undefined) printLine(`${' '.repeat(left.length)}→ ${each.mend}`);
  }
  printLine();
  printLine(
    toMend === 0
      ? 'All that a cluster needs is there.'
      : `${toMend} of ${checks.length} to mend; then run this again.`,
  );
}
