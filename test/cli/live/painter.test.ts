import { describe, expect, it } from 'vitest';
import { isLiveTerminal } from '../../../src/cli/live/live-terminal.ts';
import { Painter } from '../../../src/cli/live/painter.ts';
import { span, type Line } from '../../../src/cli/live/text.ts';
import { Terminal } from './terminal.ts';

function painted(columns = 80, colour = false) {
  const terminal = new Terminal();
  const writes: string[] = [];
  const canvas = {
    columns,
    write: (text: string) => {
      writes.push(text);
      terminal.write(text);
    },
  };
  return { canvas, terminal, writes, painter: new Painter(canvas, colour) };
}

const lines = (...texts: string[]): Line[] => texts.map((text) => [span(text, 'good')]);

describe('a painter', () => {
  it('draws each frame over the one before, also a shorter one', () => {
    const { painter, terminal } = painted();
    painter.paint(lines('one', 'two long', 'three'));
    painter.paint(lines('one', 'two'));
    expect(terminal.screen).toEqual(['one', 'two']);
  });

  it('writes a frame at once, and nothing if nothing has changed', () => {
    const { painter, writes } = painted();
    painter.paint(lines('one', 'two'));
    painter.paint(lines('one', 'two'));
    expect(writes).toHaveLength(1);
  });

  it('leaves the last frame, and goes on below it', () => {
    const { painter, terminal } = painted();
    painter.paint(lines('one'));
    painter.leave();
    painter.paint(lines('two'));
    expect(terminal.screen).toEqual(['one', 'two']);
  });

  it('goes up over the rows that a narrowed terminal has made of its lines', () => {
    const { painter, canvas, writes } = painted(80);
    painter.paint(lines('x'.repeat(50), 'short'));
    canvas.columns = 40;
    painter.paint(lines('y'));
    expect(writes.at(-1)).toMatch(/^\r\u001b\[3A/);
  });

  it('uses colours only if it may', () => {
    const plain = painted(80, false);
    const coloured = painted(80, true);
    plain.painter.paint(lines('one'));
    coloured.painter.paint(lines('one'));
    expect(plain.writes[0]).not.toContain('\u001b[32m');
    expect(coloured.writes[0]).toContain('\u001b[32m');
  });
});

describe('a terminal is rewritten', () => {
  it('unless it is none, or a dumb one', () => {
    expect(isLiveTerminal({ isTTY: true }, { TERM: 'xterm' })).toBe(true);
    expect(isLiveTerminal({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(isLiveTerminal({ isTTY: false }, { TERM: 'xterm' })).toBe(false);
  });
});
