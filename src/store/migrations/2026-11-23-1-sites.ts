import { statements } from './statements.ts';

/** Formats as domain/names.ts has them: the last line of defence, whoever writes. */
export const sites = statements(
  `CREATE DOMAIN label AS text COLLATE "C"
     CHECK (VALUE ~ '^[a-z]([a-z0-9-]*[a-z0-9])?$' AND length(VALUE) <= 20)`,
  `CREATE DOMAIN mac_address AS text COLLATE "C"
     CHECK (VALUE ~ '^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$')`,
  `CREATE DOMAIN interface_name AS text COLLATE "C"
     CHECK (VALUE ~ '^[a-z][a-z0-9_.-]{0,14}$')`,
  `CREATE DOMAIN port_number AS integer CHECK (VALUE BETWEEN 1 AND 65535)`,

  `CREATE TABLE site (
     name label PRIMARY KEY,
     kind text NOT NULL,
     definition jsonb NOT NULL CHECK (definition ->> 'name' = name),
     state text NOT NULL CHECK (state IN ('pending', 'ready')),
     facts jsonb,
     facts_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT now(),
     CHECK (state = 'pending' OR facts IS NOT NULL)
   )`,
  `CREATE TABLE vm_container (
     site label NOT NULL REFERENCES site ON DELETE CASCADE,
     name label NOT NULL,
     address text,
     port port_number,
     PRIMARY KEY (site, name)
   )`,
);
