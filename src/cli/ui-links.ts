import { clusterWorkflowId, searchAttributes } from '../domain/engine-names.ts';

/** Where the engine's web interface is, and which part of it is ours. */
export interface WebInterface {
  url: string;
  namespace: string;
}

/** The name that the view of parked operations gets in a browser. */
const parkedView = 'Parked';

const { cluster, phase, attention } = searchAttributes;
// Operations have a phase; their parts at the sites and the runs of the watch schedule have none.
const anyOperation = `${phase} IS NOT NULL`;
const running = 'ExecutionStatus="Running"';
const parked = `${attention}=true AND ${running}`;

/** Addresses in the web interface. A filter is part of the address, so that each can be a bookmark. */
export class UiLinks {
  private readonly workflows: string;

  constructor({ url, namespace }: WebInterface) {
    const base = url.replace(/\/+$/, '');
    this.workflows = `${base}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  }

  /** What runs on any cluster. */
  get running(): string {
    return this.list(`${anyOperation} AND ${running}`);
  }

  /** What waits for a person. */
  get parked(): string {
    return this.list(parked);
  }

  /** As {@link parked}; the browser that opens it keeps the filter as a view, once more each time. */
  get saveParked(): string {
    return this.list(parked, { savedQuery: parkedView });
  }

  /** All operations on all clusters, as long as the engine keeps them. */
  get operations(): string {
    return this.list(anyOperation);
  }

  /** All operations on one cluster. */
  operationsOn(name: string): string {
    return this.list(`${cluster}="${name}" AND ${anyOperation}`);
  }

  /** One operation, at the page that says where it stands and why it waits. */
  operation(operation: { cluster: string; runId: string }): string {
    const id = encodeURIComponent(clusterWorkflowId(operation.cluster));
    return `${this.workflows}/${id}/${operation.runId}/user-metadata`;
  }

  private list(query: string, more: Record<string, string> = {}): string {
    return `${this.workflows}?${new URLSearchParams({ query, ...more }).toString()}`;
  }
}
