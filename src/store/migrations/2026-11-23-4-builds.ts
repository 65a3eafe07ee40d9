import { statements } from './statements.ts';

/** History of operations. It refers to no cluster by key: it outlives the cluster. */
export const builds = statements(
  `CREATE TABLE build (
     id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
     cluster label NOT NULL,
     cluster_id text NOT NULL,
     kind text NOT NULL CHECK (kind IN ('build', 'destroy')),
     run_id text NOT NULL CONSTRAINT build_run_id_key UNIQUE,
     epoch integer NOT NULL CHECK (epoch >= 1),
     spec jsonb NOT NULL,
     steps jsonb NOT NULL DEFAULT '[]',
     started_at timestamptz NOT NULL DEFAULT now(),
     finished_at timestamptz,
     outcome text CHECK (outcome IN ('succeeded', 'failed', 'cancelled')),
     error text,
     CHECK ((finished_at IS NULL) = (outcome IS NULL)),
     CONSTRAINT build_epoch_key UNIQUE (cluster_id, epoch)
   )`,
  `CREATE INDEX build_cluster ON build (cluster, started_at DESC)`,
);
