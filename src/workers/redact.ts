const secret = '[secret]';
/** Names of fields that hold something secret, however deep they are. */
const secretName = /passw|passphrase|secret|token|private|api-?key|authorization|credential|^key$/i;
const deepest = 8;

/** Secrets that are known by their look, wherever in a text they stand. */
const secretTexts: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)/gs, secret],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s@/"]+@/gi, `$1:${secret}@`],
  [/\b(bearer) +[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${secret}`],
];

/** The text without private keys, passwords in addresses and bearer tokens. */
export function withoutSecretTexts(text: string): string {
  return secretTexts.reduce((told, [look, word]) => told.replace(look, word), text);
}

/**
 * A copy of what is to be logged: fields with the name of a secret are blotted out at any depth, and
 * of an error only what we know how to read is kept, since foreign ones carry whole requests.
 */
export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutSecretTexts(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return '[deeper]';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      secretName.test(name) ? secret : withoutSecrets(each, depth + 1),
    ]),
  );
}

/** Fields that our own failures and the engine's have. */
const errorFields = ['kind', 'type', 'code', 'help', 'host'];

function describeError(error: Error, depth: number): Record<string, unknown> {
  const known = Object.entries(error).filter(([name]) => errorFields.includes(name));
  const { cause } = error;
  return {
    name: error.name,
    message: withoutSecretTexts(error.message),
    ...Object.fromEntries(known.map(([name, each]) => [name, withoutSecrets(each, depth + 1)])),
    ...(cause === undefined ? {} : { cause: withoutSecrets(cause, depth + 1) }),
  };
}
