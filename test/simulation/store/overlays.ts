import type { Edge, OverlayTable } from '../../../src/domain/overlay.ts';
import type { Database } from '../../../src/store/database.ts';
import { call, withRow, type Tables } from './tables.ts';

export async function insertOverlay(
  db: Database,
  cluster: string,
  overlay: OverlayTable,
): Promise<void> {
  await call(db, 'insertOverlay', (tables) => {
    const { edges, ...table } = overlay;
    tables.overlays = withRow(tables.overlays, cluster, table);
    addEdges(tables, cluster, edges);
  });
}

export async function insertEdges(db: Database, cluster: string, edges: Edge[]): Promise<void> {
  await call(db, 'insertEdges', (tables) => addEdges(tables, cluster, edges));
}

export async function findOverlay(
  db: Database,
  cluster: string,
): Promise<OverlayTable | undefined> {
  return call(db, 'findOverlay', (tables) => {
    const table = tables.overlays.get(cluster);
    return table && { ...table, edges: inOrder(tables, cluster) };
  });
}

export async function listEdges(db: Database, cluster: string): Promise<Edge[]> {
  return call(db, 'listEdges', (tables) => inOrder(tables, cluster));
}

function addEdges(tables: Tables, cluster: string, edges: Edge[]): void {
  const before = tables.edges.get(cluster) ?? [];
  tables.edges = withRow(tables.edges, cluster, [...before, ...edges]);
}

function inOrder(tables: Tables, cluster: string): Edge[] {
  const edges = tables.edges.get(cluster) ?? [];
  return (tables.vms.get(cluster) ?? []).flatMap(({ vm }) =>
    edges.filter((edge) => edge.vm === vm.name),
  );
}
