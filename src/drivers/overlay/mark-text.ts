import { markSchema, type Mark } from '../../domain/mark.ts';

/** A mark as it is put on interfaces (their alias) and firewall rules (their comment). */
export function renderMark(mark: Mark): string {
  return ['mvc', mark.installation, mark.cluster, mark.clusterId].join(':');
}

/** Undefined if the text is not a mark of ours. */
export function parseMark(text: string | undefined): Mark | undefined {
  const [kind, installation, cluster, clusterId, ...rest] = text?.split(':') ?? [];
  if (kind !== 'mvc' || rest.length > 0) return undefined;
  return markSchema.safeParse({ installation, cluster, clusterId }).data;
}
