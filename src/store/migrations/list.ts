import type { Migration } from 'kysely/migration';
import { askedBy } from './2026-11-25-2-asked-by.ts';
import { builds } from './2026-11-23-4-builds.ts';
import { changes } from './2026-11-25-1-changes.ts';
import { clusters } from './2026-11-23-2-clusters.ts';
import { overlayPeers } from './2026-11-26-1-overlay-peers.ts';
import { paperViews } from './2026-11-23-5-paper-views.ts';
import { secrets } from './2026-11-23-3-secrets.ts';
import { sites } from './2026-11-23-1-sites.ts';

/** All migrations in order. Forward only: one that was released is never edited. */
export const migrations: Record<string, Migration> = {
  '2026-11-23-1-sites': sites,
  '2026-11-23-2-clusters': clusters,
  '2026-11-23-3-secrets': secrets,
  '2026-11-23-4-builds': builds,
  '2026-11-23-5-paper-views': paperViews,
  '2026-11-25-1-changes': changes,
  '2026-11-25-2-asked-by': askedBy,
  '2026-11-26-1-overlay-peers': overlayPeers,
};
