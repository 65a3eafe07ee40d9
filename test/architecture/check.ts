import { posix } from 'node:path';
import { layers, owned } from './layers.ts';

export interface SourceFile {
  /** From the repository's root, as `src/domain/site.ts`. */
  path: string;
  text: string;
}

export const maximumLines = 400;

interface Import {
  target: string;
  typesOnly: boolean;
}

/** Every import that the table does not allow, as a sentence each. */
export function importViolations(files: SourceFile[]): string[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [`${file.path} is in a folder that layers.ts does not name`];
    return importsOf(file.text).flatMap((each) => judge(file.path, layer, each));
  });
}

export function sizeViolations(files: SourceFile[]): string[] {
  return files
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > maximumLines)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${maximumLines}`);
}

/** Paths of this repository that a document names but that do not exist. */
export function deadPaths(document: SourceFile, exists: (path: string) => boolean): string[] {
  const folders = '(?:src|test|docs|scripts|image|lab|examples|\\.ci)';
  const inProse = new RegExp(`(?<![\\w./-])${folders}/[\\w./-]*\\w`, 'g');
  const links = /\]\((?!\w+:|#)([^)\s#]+)/g;
  const directory = posix.dirname(document.path);
  const named = [
    ...[...document.text.matchAll(inProse)].map(([path]) => path),
    ...[...document.text.matchAll(links)].map((match) => posix.join(directory, match[1] ?? '')),
  ];
  return [...new Set(named)]
    .filter((path) => !exists(path))
    .map((path) => `${document.path} names ${path}, which does not exist`);
}

function judge(path: string, layer: string, { target, typesOnly }: Import): string[] {
  const rule = layers[layer] ?? { imports: [], packages: [] };
  if (!target.startsWith('.')) {
    // Types leave nothing behind at run time, so any layer may speak of them.
    if (typesOnly && layer !== 'domain' && layer !== 'workflows') return [];
    const allowed = rule.packages.some((name) => owned[name]?.test(target));
    return allowed ? [] : [`${path} (${layer}) imports the package ${target}`];
  }
  const other = layerOf(posix.join(posix.dirname(path), target));
  if (other === undefined) return [`${path} (${layer}) imports ${target}, outside of src`];
  if (other === layer || rule.imports.includes(other)) return [];
  if (!rule.types?.includes(other)) return [`${path} (${layer}) imports ${target} (${other})`];
  return typesOnly ? [] : [`${path} (${layer}) imports more than types of ${target} (${other})`];
}

/** The longest row of the table that the path lies in. */
function layerOf(path: string): string | undefined {
  return Object.keys(layers)
    .filter((name) => path.startsWith(`src/${name}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

function importsOf(text: string): Import[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?([^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
  );
  const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map((match) => ({
      target: match[3] ?? '',
      typesOnly: match[1] !== undefined || hasOnlyTypes(match[2] ?? ''),
    })),
    ...[...dynamic].map((match) => ({ target: match[1] ?? '', typesOnly: false })),
  ];
}

/** `{ type A, type B } from`: nothing of it is left at run time. */
function hasOnlyTypes(clause: string): boolean {
  const names = /^\{([^}]*)\}\s*from\s*$/.exec(clause.trim())?.[1];
  const parts = (names ?? '').split(',').filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.every((part) => part.trim().startsWith('type '));
}
