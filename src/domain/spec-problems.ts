import type { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import type { SpecKind } from './spec-notes.ts';
import { knownFieldsAt, specSchema, specTypes } from './spec-schemas.ts';

/** What is wrong with one field of a spec. */
export interface SpecProblem {
  path: readonly PropertyKey[];
  /** The field's name is wrong, not its value. */
  unknown: boolean;
  message: string;
}

export type Spec<K extends SpecKind> = z.infer<(typeof specTypes)[K]>;
type Checked<K extends SpecKind> = { spec: Spec<K> } | { problems: SpecProblem[] };

/** Checks a spec that a person wrote, and says of each wrong field what would be right. */
export function checkSpec<K extends SpecKind>(kind: K, value: unknown): Checked<K> {
  const result = specTypes[kind].safeParse(value);
  if (result.success) return { spec: result.data as Spec<K> };
  const problems = result.error.issues.flatMap((issue) => problemsOf(kind, issue, value));
  return { problems: firstOfEachField(problems) };
}

/** What else is wrong with a field mostly follows from the first. */
function firstOfEachField(problems: SpecProblem[]): SpecProblem[] {
  const fields = problems.map(({ path }) => path.map(String).join('.'));
  return problems.filter((_, index) => fields.indexOf(fields[index] ?? '') === index);
}

function problemsOf(kind: SpecKind, issue: z.core.$ZodIssue, value: unknown): SpecProblem[] {
  const { path, message } = issue;
  if (issue.code !== 'unrecognized_keys') {
    return [{ path, unknown: false, message: isMissing(issue) ? 'is missing' : message }];
  }
  const known = knownFieldsAt(specSchema(kind), path, value);
  return issue.keys.map((key) => ({
    path: [...path, key],
    unknown: true,
    message: unknownField(key, known),
  }));
}

function isMissing({ code, input, message }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && input === undefined && message.endsWith('received undefined');
}

function unknownField(key: string, known: string[]): string {
  const meant = didYouMean(key, known);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `there is no such field${hint} (known: ${known.join(', ')})`;
}
