import { describeParked, type Condition, type ParkedStep } from '../../domain/cluster.ts';
import type { Finding } from '../../domain/drift.ts';
import { insecureReasonOf } from '../../domain/overlay.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { findOverlay } from '../../store/overlays.ts';

/** Sentences that fit into one message for a person. */
const mostSentences = 20;

/**
 * A cluster's conditions with another word on whether it is ready. Nothing waits for a person any
 * more; what was found amiss is mended once it is ready.
 */
export async function conditionsWith(
  db: Database,
  cluster: ClusterRecord,
  ready: Omit<Condition, 'type'>,
): Promise<Condition[]> {
  const kept = cluster.conditions.filter((each) => each.type === 'Drift' && !ready.status);
  return [{ type: 'Ready', ...ready }, ...(await insecurity(db, cluster.name)), ...kept];
}

/** A condition for an overlay that authenticates nobody; the spec had to accept that by name. */
async function insecurity(db: Database, cluster: string): Promise<Condition[]> {
  const overlay = await findOverlay(db, cluster);
  const message = overlay && insecureReasonOf(overlay);
  if (message === undefined) return [];
  return [{ type: 'Secure', status: false, reason: 'InsecureOverlay', message }];
}

/** The conditions with what waits for a person, or without if nothing does. */
export function withAttention(conditions: Condition[], parked: ParkedStep[]): Condition[] {
  return replace(conditions, 'Attention', 'Parked', parked.map(describeParked));
}

/** The conditions with what was found amiss, or without if nothing was. */
export function withDrift(conditions: Condition[], findings: Finding[]): Condition[] {
  const sentences = findings.map((finding) => finding.message);
  return replace(conditions, 'Drift', 'Drifted', sentences);
}

function replace(
  conditions: Condition[],
  type: Condition['type'],
  reason: string,
  sentences: string[],
): Condition[] {
  const others = conditions.filter((each) => each.type !== type);
  if (sentences.length === 0) return others;
  const more = sentences.length - mostSentences;
  const told = sentences.slice(0, mostSentences).join('; ');
  const message = more > 0 ? `${told}; and ${more} more` : told;
  return [...others, { type, status: true, reason, message }];
}
