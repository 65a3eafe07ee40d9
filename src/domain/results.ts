import type { OperationKind, VerifyReport } from './cluster.ts';
import type { Finding } from './drift.ts';
import type { OwnedThing } from './site.ts';

/** How the workflows end: what a person or a program gets as the answer. */
export type OperationResult = BuildResult | ChangeResult | DestroyResult;

export interface BuildResult {
  cluster: string;
  phase: 'ready';
  report: VerifyReport;
  /** It was ready before, and nothing was done. */
  alreadyReady?: true;
}

/** What is done to a cluster that was built. */
export type ChangeKind = Exclude<OperationKind, 'build' | 'destroy'>;

export interface ChangeResult {
  cluster: string;
  phase: 'ready' | 'stopped';
  kind: ChangeKind;
  /** One sentence on what was done. */
  summary: string;
  /** Repair: what was found amiss at first. */
  findings?: Finding[];
}

export interface DestroyResult {
  cluster: string;
  phase: 'destroyed';
  /** Sites that were asked at the end, each of which said that nothing is left. */
  emptySites: string[];
  /** Sites that a person gave up, at which something may be left: a sentence each. */
  left: string[];
}

export interface Inventory {
  things: (OwnedThing & { site: string })[];
  /** Sites that did not answer, with the reason. */
  silent: { site: string; error: string }[];
}

export interface SweepResult {
  things: (OwnedThing & { site: string; removed: boolean })[];
  /** Sites that did not answer, with the reason. */
  silent: { site: string; error: string }[];
}

export interface ReconcileResult {
  clusters: {
    cluster: string;
    findings: Finding[];
    /** The sites had seen later operations than the database knew of. */
    epochRaised?: { from: number; to: number };
  }[];
  /** At the sites, with our mark, of no recorded cluster. */
  orphans: (OwnedThing & { site: string })[];
  silent: { site: string; error: string }[];
}

/** What the container keeps of a VM's serial console; as the VM wrote it, so to be shown with care. */
export interface ConsoleText {
  site: string;
  container: string;
  text: string;
}
