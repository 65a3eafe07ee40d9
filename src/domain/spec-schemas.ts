import { z } from 'zod';
import { clusterSpecSchema } from './cluster.ts';
import { siteSchema } from './site.ts';
import { specNotes, type SpecKind } from './spec-notes.ts';

/** As far as our own schemas go, of JSON Schema 2020-12. */
export interface JsonSchema {
  $schema?: string;
  title?: string;
  description?: string;
  type?: string;
  const?: string;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  oneOf?: JsonSchema[];
}

export const specTypes = { cluster: clusterSpecSchema, site: siteSchema } as const;

/** One field of a spec, for people. */
export interface SpecField {
  /** `sites[].computes` */
  path: string;
  schema: JsonSchema;
  required: boolean;
}

/** The JSON Schema of a spec as people write it: what has a default may be left out. */
export function specSchema(kind: SpecKind): JsonSchema {
  const schema = z.toJSONSchema(specTypes[kind], { io: 'input' }) as JsonSchema;
  const { $schema, ...rest } = schema;
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: kind === 'cluster' ? 'Cluster of the MVC controller' : 'Site of the MVC controller',
    ...described(rest, '', specNotes[kind]),
  };
}

/** The fields of a schema and of all that is in it, in its order; of a choice, those of the branch that is meant. */
export function fieldsOf(schema: JsonSchema, meant?: unknown): SpecField[] {
  return fieldsUnder(branchOf(schema, meant), '');
}

/**
 * The names of the fields that may be at a place of a spec.
 *
 * @param path as zod gives it.
 * @param value the whole spec, which decides between branches.
 */
export function knownFieldsAt(
  schema: JsonSchema,
  path: readonly PropertyKey[],
  value: unknown,
): string[] {
  let at: JsonSchema | undefined = branchOf(schema, value);
  for (const key of path) at = typeof key === 'number' ? at?.items : at?.properties?.[String(key)];
  return Object.keys(at?.properties ?? {});
}

function described(schema: JsonSchema, path: string, notes: Record<string, string>): JsonSchema {
  const { properties, items, oneOf } = schema;
  const note = notes[path];
  return {
    ...(note === undefined ? {} : { description: note }),
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [
          name,
          described(field, path === '' ? name : `${path}.${name}`, notes),
        ]),
      ),
    }),
    ...(items && { items: described(items, `${path}[]`, notes) }),
    ...(oneOf && { oneOf: oneOf.map((each) => described(each, path, notes)) }),
  };
}

/** Of a choice between kinds, the one that the value has; the first if it has none of them. */
function branchOf(schema: JsonSchema, value: unknown): JsonSchema {
  if (!schema.oneOf) return schema;
  const kind = (value as { kind?: unknown } | undefined)?.kind;
  const meant = schema.oneOf.find((each) => each.properties?.['kind']?.const === kind);
  return meant ?? schema.oneOf[0] ?? schema;
}

function fieldsUnder(schema: JsonSchema, path: string): SpecField[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    return [{ path: at, schema: field, required }, ...fieldsUnder(field, at)];
  });
  return schema.items ? [...own, ...fieldsUnder(schema.items, `${path}[]`)] : own;
}
