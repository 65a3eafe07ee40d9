import { describe, expect, it } from 'vitest';
import { consoleLines, freshPart } from '../../src/cli/console-text.ts';
import { printable } from '../../src/cli/output.ts';

describe('the text of a console', () => {
  it('is shown as lines, without what moves the cursor or colours', () => {
    const text = '\u001b[2J\u001b[1;1HiPXE 1.21\r\n\u001b[0;32m  OK  \u001b[0m Started\r\nlogin: ';
    expect(consoleLines(text)).toEqual(['iPXE 1.21', '  OK   Started', 'login: ']);
  });

  it('shows the last text of a line that was written over', () => {
    expect(consoleLines(' 10%\r 50%\r100%\r\n')).toEqual(['100%']);
  });

  it('cannot set the title or the clipboard of the terminal', () => {
    const text = 'a\u001b]0;title\u0007b\u001b]52;c;aGk=\u001b\\c\u009b31md\u001b';
    for (const line of consoleLines(text).map(printable)) {
      // oxlint-disable-next-line no-control-regex -- none must be left
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
    expect(consoleLines(text)[0]).toMatch(/^abc/);
  });

  it('is nothing before the first start', () => {
    expect(consoleLines('')).toEqual([]);
  });
});

describe('what a console has written since', () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');

  it('is what is behind that which was known', () => {
    expect(freshPart(lines(0, 5), lines(0, 7))).toEqual({ text: lines(5, 7), gap: false });
    expect(freshPart(lines(0, 100), lines(40, 120))).toEqual({ text: lines(100, 120), gap: false });
    expect(freshPart(lines(0, 5), lines(0, 5))).toEqual({ text: '', gap: false });
    expect(freshPart('', lines(0, 5))).toEqual({ text: lines(0, 5), gap: false });
  });

  it('is all that is kept when what was known is no longer there', () => {
    expect(freshPart(lines(0, 100), lines(500, 510))).toEqual({ text: lines(500, 510), gap: true });
  });
});
