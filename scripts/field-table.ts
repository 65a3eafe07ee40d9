import type { SpecKind } from '../src/domain/spec-notes.ts';
import {
  fieldsOf,
  specSchema,
  type JsonSchema,
  type SpecField,
} from '../src/domain/spec-schemas.ts';

/** All fields of a kind of spec as a Markdown table, for docs/specs.md. */
export function fieldTable(spec: SpecKind, siteKind?: string): string {
  const fields = fieldsOf(specSchema(spec), { kind: siteKind });
  return [
    '| field | value | default | meaning |',
    '| --- | --- | --- | --- |',
    ...fields.map((field) => `| ${cellsOf(field).join(' | ')} |`),
  ].join('\n');
}

function cellsOf({ path, schema, required }: SpecField): string[] {
  return [`\`${path}\``, valueOf(schema), defaultOf(schema, required), schema.description ?? ''];
}

function valueOf({ const: only, enum: words, type, minimum, maximum, items }: JsonSchema): string {
  if (only !== undefined) return `\`${only}\``;
  if (words) return words.map((word) => `\`${String(word)}\``).join(' or ');
  if (type === 'integer') return `${minimum} to ${maximum}`;
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'array') return items?.type === 'object' ? 'list of fields' : 'list of texts';
  return type === 'object' ? 'fields' : 'text';
}

function defaultOf({ default: value, type }: JsonSchema, required: boolean): string {
  if (required) return 'required';
  if (value === undefined) return 'none';
  const isEmptyGroup = type === 'object' && Object.keys(value as object).length === 0;
  return isEmptyGroup ? 'as its fields' : `\`${JSON.stringify(value)}\``;
}
