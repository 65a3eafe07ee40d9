import type { Inventory } from '../../domain/results.ts';
import type { SiteRecord } from '../../store/sites.ts';
import { fail, failed, ok, warn, type Finding } from './check.ts';

/** What is recorded of a site: that it has answered once, and had its programs. */
export function judgeRecord({ site, state, facts }: SiteRecord): Finding[] {
  const subject = `site ${site.name}`;
  if (state === 'pending') {
    const help = `try again: mvc site add, or mvc site remove ${site.name}`;
    return [warn(subject, 'has never answered since it was added', help)];
  }
  return (facts?.hosts ?? []).flatMap(({ host, missing }) =>
    missing.map(({ tool, package: name }) =>
      warn(subject, `${host} lacks ${tool}`, `its administrator installs the package ${name}`),
    ),
  );
}

export function judgeAnswer(site: string, answer: Inventory, tookMs: number): Finding {
  const subject = `site ${site}`;
  const [silent] = answer.silent;
  if (silent)
    return fail(subject, `does not answer: ${silent.error}`, `mvc logs --site ${site} --since 5m`);
  const things = answer.things.length;
  return ok(
    subject,
    `all hosts answer (${(tookMs / 1000).toFixed(1)} s); ${things} things of ours there`,
  );
}

/** Asks one site what is ours there, which every host of it must answer. */
export async function checkSite(
  record: SiteRecord,
  ask: (site: string) => Promise<Inventory>,
): Promise<Finding[]> {
  const known = judgeRecord(record);
  const { name } = record.site;
  if (record.state === 'pending') return known;
  const began = Date.now();
  try {
    return [...known, judgeAnswer(name, await ask(name), Date.now() - began)];
  } catch (error) {
    const { message, help } = failed('', error);
    return [...known, warn(`site ${name}`, `could not be asked: ${message}`, help)];
  }
}
