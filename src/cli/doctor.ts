import { Command } from 'commander';
import { mvcHome } from '../installation/home.ts';
import { withStore } from './context.ts';
import { examine, type Examined, type Finding } from './doctor/check.ts';
import { installationChecks, type Recorded } from './doctor/checks.ts';
import { printJson, printLine, printLines } from './output.ts';
import type { MvcClient } from '../client/mvc-client.ts';

const sayWaitingAfterMs = 4_000;

/** `mvc doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('check the whole installation and say what to mend')
    .description(
      'Looks at this machine, the services, the database, the workflow engine, the secrets and every site, ' +
        'and says of each what is wrong and what to do. Changes nothing. Ends with 1 if something has failed.',
    )
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  mvc doctor\n')
    .action(doctor);
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const recorded = await readRecorded();
  const sites = new SiteQuestions();
  const all: Examined[] = [];
  const patience = setTimeout(() => {
    process.stderr.write('mvc: some answers take longer; a silent site is waited for up to 90 s\n');
  }, sayWaitingAfterMs);
  try {
    const checks = installationChecks(mvcHome(), recorded, (site) => sites.ask(site));
    for await (const examined of examine(checks)) {
      all.push(examined);
      if (!json) printLines(examined.findings.flatMap(findingLines));
    }
  } finally {
    clearTimeout(patience);
    await sites.close();
  }
  const findings = all.flatMap((each) => each.findings);
  const count = (verdict: Finding['verdict']) =>
    findings.filter((each) => each.verdict === verdict).length;
  const healthy = count('fail') === 0;
  if (json) printJson({ healthy, checks: all });
  else printLine(`${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`);
  process.exitCode = healthy ? 0 : 1;
}

export function findingLines({ verdict, subject, message, help }: Finding): string[] {
  const indent = ' '.repeat(28);
  const first = `${verdict.padEnd(4)}  ${subject.padEnd(20)}  ${message}`;
  return verdict === 'ok' || help === undefined ? [first] : [first, `${indent}→ ${help}`];
}

/** Undefined if the database does not answer: the rest can be checked all the same. */
async function readRecorded(): Promise<Recorded | undefined> {
  try {
    return await withStore(async (db) => {
      const { listSites } = await import('../store/sites.ts');
      const { listClusters } = await import('../store/clusters.ts');
      return { sites: await listSites(db), clusters: await listClusters(db) };
    });
  } catch {
    return undefined;
  }
}

/** One connection for the questions to all sites, opened by the first. */
class SiteQuestions {
  private client: Promise<MvcClient> | undefined;

  async ask(site: string) {
    this.client ??= connect();
    return (await this.client).inventory({ site });
  }

  async close(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    await client?.close();
  }
}

async function connect(): Promise<MvcClient> {
  const { temporalSettings } = await import('../installation/settings.ts');
  const { connection, namespace } = await temporalSettings(mvcHome());
  const { MvcClient } = await import('../client/mvc-client.ts');
  return MvcClient.connect({ connection, namespace });
}
