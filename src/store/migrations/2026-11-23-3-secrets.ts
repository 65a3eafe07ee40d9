import { statements } from './statements.ts';

/** Sealed secrets. Those of a cluster or site go with it; the generated columns carry that key. */
export const secrets = statements(
  `CREATE TABLE secret (
     owner_kind text NOT NULL CHECK (owner_kind IN ('cluster', 'site', 'installation')),
     owner_name text COLLATE "C" NOT NULL CHECK (length(owner_name) BETWEEN 1 AND 100),
     name label NOT NULL,
     version integer NOT NULL CHECK (version >= 1),
     key_id text NOT NULL,
     wrapped_key bytea NOT NULL,
     sealed bytea NOT NULL,
     updated_at timestamptz NOT NULL DEFAULT now(),
     cluster text COLLATE "C" GENERATED ALWAYS AS (CASE owner_kind WHEN 'cluster' THEN owner_name END) STORED
       CONSTRAINT secret_cluster_fkey REFERENCES cluster ON DELETE CASCADE,
     site text COLLATE "C" GENERATED ALWAYS AS (CASE owner_kind WHEN 'site' THEN owner_name END) STORED
       CONSTRAINT secret_site_fkey REFERENCES site ON DELETE CASCADE,
     PRIMARY KEY (owner_kind, owner_name, name)
   )`,
);
