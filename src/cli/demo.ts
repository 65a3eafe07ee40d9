import { Command } from 'commander';
import { isDeepStrictEqual } from 'node:util';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MvcClient } from '../client/mvc-client.ts';
import type { ClusterSpecInput } from '../domain/cluster.ts';
import { parseInput } from '../domain/failure.ts';
import { siteSchema, type Site } from '../domain/site.ts';
import { mvcHome } from '../installation/home.ts';
import { withClient, withStore } from './context.ts';
import { followOperation } from './follow.ts';
import { formatDuration, printLine, printLines } from './output.ts';
import { planLines } from './plan-lines.ts';

const demoCluster = 'demo';

/** `mvc demo` */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'make three test sites on this machine, build a real cluster across them, and prove it',
    )
    .option('--rtt <ms>', 'round-trip time between any two sites', '100')
    .addHelpText('after', '\nExample:\n  mvc demo --rtt 20\n')
    .action(async (options: { rtt: string }) => {
      const begun = Date.now();
      await startServices();
      const sites = await startLab(Number(options.rtt));
      await withClient(async (client) => {
        for (const site of sites) await register(client, site);
        if (!(await removeOldDemo(client))) return;
        const spec = demoSpec(sites);
        printLines(planLines((await client.plan(spec)).plan));
        printLine();
        const end = await followOperation(client, await client.build(spec), {});
        if (end === 'ended') await destroyHint(begun);
      });
    });
}

async function startServices(): Promise<void> {
  const { servicesUp } = await import('../installation/up.ts');
  await servicesUp(mvcHome(), { onProgress: printLine });
}

async function startLab(rttMs: number): Promise<Site[]> {
  const { labUp } = await import('../lab/lab.ts');
  const home = join(mvcHome().root, 'lab');
  printLine(`test sites on a WAN with ${rttMs} ms between any two …`);
  const lab = await labUp({ home, rttMs, onProgress: printLine });
  return Promise.all(
    lab.siteFiles.map(async (file) =>
      parseInput(siteSchema, JSON.parse(await readFile(file, 'utf8')), file),
    ),
  );
}

/** Registers a test site as `mvc site add` does; one that was made anew has new host keys. */
async function register(client: MvcClient, site: Site): Promise<void> {
  const known = await withStore(async (db) =>
    (await import('../store/sites.ts')).findSite(db, site.name),
  );
  if (known?.state === 'ready' && isDeepStrictEqual(known.site, site)) return;
  printLine(`registering site ${site.name} …`);
  if (known?.state === 'ready') await client.updateSite(site);
  else await client.registerSite(site);
}

/** @returns false if it cannot go now: what it waits for was said. */
async function removeOldDemo(client: MvcClient): Promise<boolean> {
  const old = await withStore(async (db) =>
    (await import('../store/clusters.ts')).findCluster(db, demoCluster),
  );
  if (!old) return true;
  printLine(`removing the cluster ${demoCluster} of an earlier run …`);
  return (await followOperation(client, await client.destroy(demoCluster), {})) === 'ended';
}

function demoSpec(sites: Site[]): ClusterSpecInput {
  return {
    name: demoCluster,
    origin: sites[0]?.name ?? '',
    sites: sites.map((site) => ({ name: site.name, computes: 1 })),
  };
}

async function destroyHint(begun: number): Promise<void> {
  const { uiUrl } = await (
    await import('../installation/settings.ts')
  ).connectionSettings(mvcHome());
  printLine();
  printLine(
    `The demo took ${formatDuration(Date.now() - begun)}. The cluster runs on; go on with:`,
  );
  printLine(`  mvc status ${demoCluster}`);
  printLine(`  mvc ssh ${demoCluster} -- srun -N3 hostname`);
  printLine(`  mvc history ${demoCluster}          and in the browser: ${uiUrl}`);
  printLine(`  mvc destroy ${demoCluster} --yes && mvc lab down && mvc down     to remove it all`);
}
