/**
 * A value as JSON text for a jsonb column. PostgreSQL refuses NUL characters in text, which a VM's
 * console or a program's output may well hold: they become U+FFFD.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'string' ? withoutNul(each) : each,
  );
}

export function withoutNul(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** A value as it is after a round trip through the database: no keys without a value. */
export function normalized(value: unknown): unknown {
  return JSON.parse(toJson(value));
}
