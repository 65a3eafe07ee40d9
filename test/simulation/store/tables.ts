import { Failure } from '../../../src/domain/failure.ts';
import type { Edge, OverlayTable } from '../../../src/domain/overlay.ts';
import type { BuildRecord } from '../../../src/store/builds.ts';
import type { ClusterRecord } from '../../../src/store/clusters.ts';
import type { Database } from '../../../src/store/database.ts';
import type { SiteRecord } from '../../../src/store/sites.ts';
import type { VmRecord } from '../../../src/store/vms.ts';
import { brokenConstraint } from './constraints.ts';

/** The rows, by their keys. Rows are never changed, only replaced: so a copy of the maps is a snapshot. */
export interface Tables {
  sites: Map<string, SiteRecord>;
  clusters: Map<string, ClusterRecord>;
  /** Cluster → sites that it has or that VMs are leaving → computes. */
  clusterSites: Map<string, Readonly<Record<string, number>>>;
  /** Cluster → its VMs, by position. */
  vms: Map<string, readonly VmRow[]>;
  overlays: Map<string, Omit<OverlayTable, 'edges'>>;
  edges: Map<string, readonly Edge[]>;
  secrets: Map<string, Buffer>;
  builds: readonly BuildRecord[];
}

export interface VmRow {
  position: number;
  vm: VmRecord;
}

/** What may go wrong at a call, and how long it takes. */
export interface StoreWeather {
  wrap<T>(call: string, effect: () => Promise<T> | T): Promise<T>;
}

/** Stands for the database: the same functions, rows in memory, the same constraints. */
export interface SimulatedDatabase {
  tables: Tables;
  weather: StoreWeather;
  isTransaction: boolean;
}

export function createDatabase(weather: StoreWeather): SimulatedDatabase {
  const tables: Tables = {
    sites: new Map(),
    clusters: new Map(),
    clusterSites: new Map(),
    vms: new Map(),
    overlays: new Map(),
    edges: new Map(),
    secrets: new Map(),
    builds: [],
  };
  return { tables, weather, isTransaction: false };
}

/** To be handed to the product's code, which passes it on and asks for snapshots. */
export function asDatabase(simulated: SimulatedDatabase): Database {
  const execute = <T>(read: (tx: Database) => Promise<T>) =>
    transaction(database, 'snapshot', read);
  const database = {
    ...simulated,
    transaction: () => ({ execute, setIsolationLevel: () => ({ execute }) }),
  } as unknown as Database;
  return database;
}

/** A constraint that a change would break; its change is taken back. */
export class Broken extends Error {
  readonly constraint: string;
  readonly values: string[];

  constructor(constraint: string, values: string[]) {
    super(`${constraint} (${values.join(', ')})`);
    this.constraint = constraint;
    this.values = values;
  }
}

/** One statement, or several as one transaction if the action calls others with the same tables. */
export async function call<T>(
  db: Database,
  name: string,
  action: (tables: Tables) => T,
): Promise<T> {
  const simulated = db as unknown as SimulatedDatabase;
  if (simulated.isTransaction) return apply(simulated, action);
  return simulated.weather.wrap(name, () => alone(simulated, () => apply(simulated, action)));
}

/** What is under way at each database. */
const turns = new WeakMap<StoreWeather, Promise<unknown>>();

/** Transactions pass one after the other: the strictest order that the real database allows. */
function alone<T>({ weather }: SimulatedDatabase, action: () => Promise<T> | T): Promise<T> {
  const turn = (turns.get(weather) ?? Promise.resolve()).then(action);
  turns.set(
    weather,
    turn.catch(() => undefined),
  );
  return turn;
}

/** Several statements as one: all or nothing, nobody between them. */
export async function transaction<T>(
  db: Database,
  name: string,
  action: (tx: Database) => Promise<T>,
): Promise<T> {
  const simulated = db as unknown as SimulatedDatabase;
  if (simulated.isTransaction) return action(db);
  return simulated.weather.wrap(name, () =>
    alone(simulated, async () => {
      const before = { ...simulated.tables };
      try {
        return await action(asDatabase({ ...simulated, isTransaction: true }));
      } catch (error) {
        Object.assign(simulated.tables, before);
        throw error;
      }
    }),
  );
}

function apply<T>({ tables }: SimulatedDatabase, action: (tables: Tables) => T): T {
  const before = { ...tables };
  try {
    const result = action(tables);
    const broken = differs(before, tables) ? brokenConstraint(tables) : undefined;
    if (broken) throw new Broken(broken.constraint, broken.values);
    return result;
  } catch (error) {
    Object.assign(tables, before);
    throw error;
  }
}

function differs(before: Tables, after: Tables): boolean {
  return (Object.keys(before) as (keyof Tables)[]).some((name) => before[name] !== after[name]);
}

export function withRow<V>(map: Map<string, V>, key: string, row: V): Map<string, V> {
  return new Map(map).set(key, freeze(row));
}

export function withoutRow<V>(map: Map<string, V>, key: string): Map<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

/** The product must not change what it was given: another reader has the same rows. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
  return value;
}

/** As the real store says it when the database is away. */
export function storeAway(): Failure {
  return new Failure('Unreachable', 'the database does not answer');
}
