import stringWidth from 'string-width';
import { printable } from '../output.ts';

/** How a piece of text is to look; colours are chosen where it is painted. */
export type Tone = 'plain' | 'dim' | 'good' | 'bad' | 'busy' | 'strong';

export interface Span {
  text: string;
  tone: Tone;
}
export type Line = Span[];

/** Control characters and line ends of foreign text become visible, so that a line stays one. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: printable(text.replaceAll(/[\t\r\n]+/g, ' ')), tone };
}

/** Columns that the text takes on a terminal. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

const segmenter = new Intl.Segmenter();
const ellipsis = '…';

/** Cuts a line to so many columns; what is cut ends with `…`. A wide character is never halved. */
export function fit(line: Line, columns: number): Line {
  if (columnsOf(textOf(line)) <= columns) return line;
  const fitted: Line = [];
  let room = columns - 1;
  for (const { text, tone } of line) {
    const head = headOf(text, room);
    if (head !== '') fitted.push({ text: head, tone });
    room -= columnsOf(head);
    if (head !== text) break;
  }
  return columns < 1 ? [] : [...fitted, { text: ellipsis, tone: 'dim' }];
}

function headOf(text: string, columns: number): string {
  let head = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment);
    if (used > columns) break;
    head += segment;
  }
  return head;
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** The text with blanks up to so many columns; longer text is cut. */
export function cell(text: string, columns: number): Span {
  const cut = textOf(fit([span(text)], columns));
  return { text: cut + ' '.repeat(Math.max(0, columns - columnsOf(cut))), tone: 'plain' };
}

export function blanks(columns: number): Span {
  return { text: ' '.repeat(columns), tone: 'plain' };
}
