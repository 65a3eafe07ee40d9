import { statements } from './statements.ts';

/** Who asked for an operation, as the one who started it has said; null if nothing was said. */
export const askedBy = statements(
  `ALTER TABLE build ADD COLUMN asked_by text`,
  // Estimates look at the newest operations on any cluster.
  `CREATE INDEX build_started ON build (started_at DESC)`,
);
