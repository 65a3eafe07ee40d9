/** As much of a terminal as a painter uses: what stands on the screen after all that was written. */
export class Terminal {
  private readonly lines: string[] = [''];
  private row = 0;
  private column = 0;

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- control sequences are what this is about
    for (const [token] of text.matchAll(/\u001b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\u001b\r\n]/gu)) {
      this.take(token);
    }
  }

  get screen(): string[] {
    return this.lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()
      .split('\n');
  }

  private take(token: string): void {
    const line = this.lines[this.row] ?? '';
    if (token === '\r') this.column = 0;
    else if (token === '\n') this.lines[(this.row += 1)] ??= '';
    else if (token.startsWith('\u001b')) this.control(token, line);
    else {
      this.lines[this.row] = line.slice(0, this.column) + token + line.slice(this.column + 1);
      this.column += 1;
    }
  }

  private control(token: string, line: string): void {
    const number = Number(token.slice(2, -1) || 1);
    const command = token.at(-1);
    if (command === 'A') this.row = Math.max(0, this.row - number);
    if (command === 'K' || command === 'J') this.lines[this.row] = line.slice(0, this.column);
    if (command === 'J') this.lines.length = this.row + 1;
  }
}
