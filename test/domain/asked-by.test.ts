import { describe, expect, it } from 'vitest';
import { callerName } from '../../src/client/caller.ts';
import { askedByOf } from '../../src/domain/asked-by.ts';

describe('who asked for a run', () => {
  it('is what its starter has said', () => {
    expect(askedByOf({ askedBy: 'ada@login1' })).toEqual({ askedBy: 'ada@login1' });
  });

  it.each([undefined, {}, { askedBy: 7 }, { askedBy: '' }, { askedBy: 'x'.repeat(201) }])(
    'is unknown where the memo does not tell: %j',
    (memo) => {
      expect(askedByOf(memo)).toEqual({});
    },
  );

  it('is the account and the machine for whoever uses the client', () => {
    expect(callerName()).toMatch(/^[^@\s]+@[^@\s]+$/);
    expect(askedByOf({ askedBy: callerName() })).toEqual({ askedBy: callerName() });
  });
});
