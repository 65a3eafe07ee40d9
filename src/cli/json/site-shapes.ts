import { z } from 'zod';
import type { SiteBegun } from '../site-init.ts';
import type { SiteKeys } from '../site-keys.ts';
import type { Check } from '../../domain/site-check.ts';
import type { SiteRecord } from '../../store/sites.ts';
import type { ReconcileResult } from '../../domain/results.ts';
import type { Inventory } from '../../domain/results.ts';
import type { SweepResult } from '../../domain/results.ts';
import * as parts from './parts.ts';

export const siteFacts = parts.siteFacts;

export const siteRecord: z.ZodType<SiteRecord> = z.strictObject({
  site: parts.site,
  state: z.enum(['pending', 'ready']).describe('`pending` until it answered for the first time'),
  facts: parts.siteFacts.exactOptional(),
  factsAt: parts.milliseconds.exactOptional(),
  createdAt: parts.milliseconds,
});

export const siteRecords = z.array(siteRecord);

export const siteRemoved = z.strictObject({ site: z.string(), removed: z.literal(true) });

export const inventory: z.ZodType<Inventory['things']> = z.array(parts.thingAtSite);

export const sweep: z.ZodType<SweepResult> = z.strictObject({
  things: z.array(parts.thingAtSite.extend({ removed: z.boolean() })),
  silent: parts.silentSites,
});

export const reconcile: z.ZodType<ReconcileResult> = z.strictObject({
  clusters: z.array(
    z.strictObject({
      cluster: z.string(),
      findings: z.array(parts.finding),
      epochRaised: z
        .strictObject({ from: z.int(), to: z.int() })
        .exactOptional()
        .describe('the sites had seen later operations than the database knew of'),
    }),
  ),
  orphans: z.array(parts.thingAtSite).describe('of no recorded cluster'),
  silent: parts.silentSites,
});

export const siteChecks: z.ZodType<Check[]> = z.array(
  z.strictObject({
    site: z.string(),
    host: z.string(),
    check: z.enum(
      'ssh sudo program clock policy bridge forwarding packages overlay libvirt kvm pool udp'.split(
        ' ',
      ) as Check['check'][],
    ),
    state: z.enum(['ok', 'note', 'mend', 'skipped']).describe('exit code 1 if one is to mend'),
    found: z.string(),
    mend: z.string().exactOptional().describe('what to do'),
  }),
);

export const siteBegun: z.ZodType<SiteBegun> = z.strictObject({
  site: z.string(),
  file: z.string().describe('the site’s file, for `mvc site keys`, `check` and `add`'),
  kept: z.boolean().describe('the file was there and said the same'),
  key: z.string().describe('private key; its public half is in the scripts'),
  scripts: z.array(
    z.strictObject({
      host: z.string(),
      file: z.string(),
      ran: z.boolean().describe('it ran at its host now (`--run`)'),
    }),
  ),
});

export const siteKeys: z.ZodType<SiteKeys> = z.strictObject({
  file: z.string(),
  confirmed: z
    .boolean()
    .describe('each was in the file or accepted; otherwise the file is unchanged, exit code 1'),
  hosts: z.array(
    z.strictObject({
      host: z.string(),
      shows: z
        .string()
        .exactOptional()
        .describe(
          'absent while the physical frontend, through which it is asked, is not confirmed',
        ),
      inFile: z.string().exactOptional().describe('before; absent if the file had none'),
    }),
  ),
});
