import { Failure, parseInput } from '../domain/failure.ts';
import { siteSchema, type LibvirtSite } from '../domain/site.ts';

/** Stands for a key that is not known yet: nobody's key has this fingerprint. */
export const unknownKey = `SHA256:${'A'.repeat(43)}`;

/**
 * A site as its file has it before the host keys were compared, with a stand-in for each that is missing.
 *
 * @throws {Failure} BadInput naming each wrong field.
 */
export function parseSiteDraft(file: string, input: unknown): LibvirtSite {
  const filled = JSON.parse(JSON.stringify(input ?? null), (name: string, value: unknown) =>
    name === 'hostKey' && value === '' ? unknownKey : value,
  );
  const site = parseInput(siteSchema, filled, `the site in ${file}`);
  if (site.kind === 'libvirt') return site;
  throw new Failure('BadInput', `site ${site.name} exists in memory only: it has no host keys`);
}
