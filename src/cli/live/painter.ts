import { styleText } from 'node:util';
import { columnsOf, textOf, type Line, type Tone } from './text.ts';

const styles: Record<Exclude<Tone, 'plain'>, Parameters<typeof styleText>[0]> = {
  dim: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  strong: 'bold',
};

/** Where a painter paints: standard output, or what stands for it. */
export interface Canvas {
  columns: number;
  write(text: string): void;
}

/**
 * Rewrites the same lines of a terminal in place. One write per frame and each line over its old
 * self, so that nothing flickers; what has not changed is not written at all.
 */
export class Painter {
  private readonly canvas: Canvas;
  private readonly colour: boolean;
  private drawn: string[] = [];
  private widths: number[] = [];

  constructor(canvas: Canvas, colour: boolean) {
    this.canvas = canvas;
    this.colour = colour;
  }

  /** Every line must be shorter than the terminal is wide. */
  paint(lines: Line[]): void {
    const next = lines.map((line) => this.styled(line));
    if (next.length === this.drawn.length && next.every((text, i) => text === this.drawn[i]))
      return;
    const body = next.map((text) => `${text}\u001b[K\r\n`).join('');
    this.canvas.write(`${this.home()}${body}\u001b[J`);
    this.drawn = next;
    this.widths = lines.map((line) => columnsOf(textOf(line)));
  }

  /** What is drawn stays; the next frame begins below it. */
  leave(): void {
    this.drawn = [];
    this.widths = [];
  }

  /** Takes what is drawn away. */
  clear(): void {
    if (this.drawn.length > 0) this.canvas.write(`${this.home()}\u001b[J`);
    this.leave();
  }

  /** Back to the first drawn line. A terminal that has become narrower has wrapped the longer ones. */
  private home(): string {
    const columns = Math.max(1, this.canvas.columns);
    const rows = this.widths.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    return rows === 0 ? '\r' : `\r\u001b[${rows}A`;
  }

  private styled(line: Line): string {
    return line
      .map(({ text, tone }) =>
        this.colour && tone !== 'plain'
          ? styleText(styles[tone], text, { validateStream: false })
          : text,
      )
      .join('');
  }
}
