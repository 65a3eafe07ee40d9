import { isMap, isNode, isScalar, type Document } from 'yaml';
import type { SpecProblem } from '../domain/spec-problems.ts';

/**
 * Where a faulty field stands, as an offset: its value, or its name if that is what is wrong. A field
 * that is missing is where it should be: at what ought to hold it.
 */
export function positionOf(document: Document, { path, unknown }: SpecProblem): number {
  if (unknown) {
    const holder = document.getIn(path.slice(0, -1), true);
    const name = String(path.at(-1));
    const pair = isMap(holder) && holder.items.find(({ key }) => isScalar(key) && String(key.value) === name); // prettier-ignore
    if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0];
  }
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}
