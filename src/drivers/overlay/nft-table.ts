/**
 * The text of a table that replaces what is there at once. Named first, so that the deletion finds it.
 */
export function renderTable(family: string, name: string, lines: string[]): string {
  const body = lines.map((line) => `  ${line}\n`).join('');
  return `table ${family} ${name}\ndelete table ${family} ${name}\ntable ${family} ${name} {\n${body}}\n`;
}
