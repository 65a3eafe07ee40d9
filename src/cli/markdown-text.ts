/** A page of the documents as plain text for a terminal: what is markup goes, what it says stays. */
export function markdownText(markdown: string): string {
  return markdown
    .trimEnd()
    .split(/^(```.*\n[^]*?^```)$/m)
    .map((part) => (part.startsWith('```') ? indented(part) : plain(part)))
    .join('');
}

function indented(block: string): string {
  const lines = block.split('\n').slice(1, -1);
  return lines.map((line) => (line === '' ? '' : `    ${line}`)).join('\n');
}

function plain(text: string): string {
  return text
    .replaceAll(/^#+ (.*)$/gm, (_, title: string) => title.toUpperCase())
    .replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, '$1 ($2)')
    .replaceAll(/^\| -.*\n/gm, '')
    .replaceAll(/^\| (.*) \|$/gm, (_, row: string) => `  ${row.split(' | ').join('  ').trimEnd()}`)
    .replaceAll(/\*\*([^*]+)\*\*/g, '$1');
}
