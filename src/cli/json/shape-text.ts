import { z } from 'zod';

/** The part of a JSON Schema that our shapes need. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}

/** A shape in the notation of TypeScript, and the parts that it refers to by name. */
export interface ShapeText {
  text: string;
  parts: Map<string, string>;
}

export function shapeText(shape: z.ZodType): ShapeText {
  // Inside of another one, so that a shape that is itself a part is shown by its name.
  const whole = z.toJSONSchema(z.strictObject({ shape }), {
    unrepresentable: 'any',
  }) as Schema & { $defs?: Record<string, Schema> };
  const parts = Object.entries(whole.$defs ?? {}).map(
    ([name, schema]) => [name, typeText(schema, '')] as const,
  );
  return { text: typeText(whole.properties?.['shape'] ?? {}, ''), parts: new Map(parts) };
}

function typeText(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/$defs/', '');
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((each) => variant(each, indent)).join(separator(several));
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return arrayText(schema.items ?? {}, indent);
  if (schema.type === 'object') return objectText(schema, indent);
  return Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any');
}

function separator(several: Schema[]): string {
  return several.some((each) => each.type === 'object') ? '\n| ' : ' | ';
}

function variant(schema: Schema, indent: string): string {
  const note = schema.description === undefined ? '' : `// ${schema.description}\n${indent}`;
  return note + typeText(schema, indent);
}

function arrayText(items: Schema, indent: string): string {
  const text = typeText(items, indent);
  return text.includes(' | ') && !text.startsWith('{') ? `(${text})[]` : `${text}[]`;
}

function objectText(schema: Schema, indent: string): string {
  const { properties, additionalProperties: others } = schema;
  if (!properties)
    return `{ [name: string]: ${typeof others === 'object' ? typeText(others, indent) : 'any'} }`;
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, field]) => {
    const mark = schema.required?.includes(name) ? '' : '?';
    const note = field.description === undefined ? '' : ` // ${field.description}`;
    const [first = '', ...rest] = typeText(field, inner).split('\n');
    return [`${inner}${name}${mark}: ${first}${note}`, ...rest].join('\n');
  });
  return ['{', ...lines, `${indent}}`].join('\n');
}
