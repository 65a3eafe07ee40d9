import { statements } from './statements.ts';

/** What is done to a cluster after it was built: it is scaled, repaired, stopped and started. */
export const changes = statements(
  `ALTER TABLE build
     DROP CONSTRAINT build_kind_check,
     ADD CONSTRAINT build_kind_check CHECK (
       kind IN ('build', 'scale', 'repair', 'stop', 'start', 'destroy'))`,
  `ALTER TABLE cluster
     DROP CONSTRAINT cluster_phase_check,
     ADD CONSTRAINT cluster_phase_check CHECK (
       phase IN ('building', 'ready', 'changing', 'stopped', 'failed', 'cancelled', 'destroying', 'destroyed'))`,
);
