import { describe, expect, test } from 'vitest';
import { checkRolls, requiredRolls, rolls } from '../../src/rolls/rolls.ts';

describe('the list of rolls', () => {
  test('gives each asked roll once, in its own order', () => {
    const found = checkRolls(['mpi', 'base', 'slurm', 'mpi']).map((roll) => roll.name);
    expect(found).toEqual(['base', 'slurm', 'mpi']);
  });

  test('names the known rolls when one is unknown', () => {
    expect(() => checkRolls([...requiredRolls, 'condor'])).toThrow(
      expect.objectContaining({
        kind: 'BadInput',
        message: 'roll "condor" is unknown',
        help: 'the rolls are: base, slurm, mpi, compiler, home, topology',
      }),
    );
  });

  test('says which rolls a cluster cannot do without', () => {
    expect(() => checkRolls(['base'])).toThrow('a cluster needs the rolls slurm, mpi too');
  });

  test('has no account twice, and no path of the image twice', () => {
    const all = (values: (string | number)[]) => expect(new Set(values).size).toBe(values.length);
    all(rolls.flatMap((roll) => roll.accounts.map((account) => account.id)));
    all(rolls.flatMap((roll) => roll.image.map((entry) => entry.path)));
  });

  test('makes every program that the controller runs executable', () => {
    const entries = rolls.flatMap((roll) => roll.image);
    for (const program of [
      'clock',
      'drain-nodes',
      'frontend-ready',
      'node-states',
      'resume-nodes',
      'update-nodes',
      'verify',
    ]) {
      expect(entries.find((entry) => entry.path === `usr/lib/mvc/${program}`)?.mode).toBe(0o755);
    }
  });
});
