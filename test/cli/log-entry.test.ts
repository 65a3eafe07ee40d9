import { describe, expect, it } from 'vitest';
import { entryLine, isWanted, parseEntry, parseSince } from '../../src/cli/log-entry.ts';

const line = JSON.stringify({
  level: 'warn',
  time: '2026-11-25T20:15:00.000Z',
  worker: 'site',
  cluster: 'demo',
  site: 'beach',
  step: 'image',
  attempt: 3,
  durationMs: 2_400,
  msg: 'ensureImage failed',
  error: 'the disk is full',
  help: 'make room',
});
const entry = parseEntry(line)!;

describe('a line of a log', () => {
  it('is told with its time, level, place, duration, attempt and cause', () => {
    expect(entryLine(entry)).toMatch(
      /^2026-11-2\d \d\d:\d\d:00 {2}WARN {3}beach image {9}ensureImage failed \(2\.4 s, attempt 3\): the disk is full; make room$/,
    );
  });

  it('does not tell the first attempt, nor what it has not', () => {
    const plain = parseEntry(
      '{"level":30,"time":"2026-11-25T20:15:00.000Z","attempt":1,"msg":"runs"}',
    );
    expect(entryLine(plain!)).toMatch(/INFO {3}- {19}runs$/);
  });

  it('tells the message of an error that was logged whole', () => {
    expect(entryLine({ ...entry, error: { name: 'Failure', message: 'gone' } })).toContain(
      ': gone;',
    );
  });

  it.each(['', '(node:1) Warning: x', '{"level":', '{"msg":"no time"}', '[]', '{}'])(
    'is none if it is %j',
    (text) => {
      expect(parseEntry(text)).toBeUndefined();
    },
  );

  it.each([
    [{ cluster: 'demo' }, true],
    [{ cluster: 'dem' }, false],
    [{ cluster: 'demo', site: 'alpine' }, false],
    [{ site: 'beach', step: 'image' }, true],
    [{ step: 'edges' }, false],
    [{ since: Date.parse('2026-11-25T20:15:00Z') }, true],
    [{ since: Date.parse('2026-11-25T20:15:01Z') }, false],
    [{}, true],
  ])('is asked for by %j: %s', (filter, wanted) => {
    expect(isWanted(entry, filter)).toBe(wanted);
  });
});

describe('since when', () => {
  const now = Date.parse('2026-11-25T20:15:00Z');
  it.each([
    ['30s', now - 30_000],
    ['10m', now - 600_000],
    ['2h', now - 7_200_000],
    ['3d', now - 259_200_000],
    ['2026-11-25T20:00:00Z', now - 900_000],
  ])('%s', (text, moment) => {
    expect(parseSince(text, now)).toBe(moment);
  });

  it.each(['', 'yesterday', '10', '-5m', '5x', '2026-13-45'])('is not %j', (text) => {
    expect(() => parseSince(text, now)).toThrow('is no moment');
  });
});
