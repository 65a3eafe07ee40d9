const most = 10;

/** Names in a sentence that stays short for hundreds of them. */
export function someOf(names: string[]): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
