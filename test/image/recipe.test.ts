import { describe, expect, test } from 'vitest';
import { debianSuite, planRecipe } from '../../src/image/recipe.ts';
import { checkRolls, requiredRolls } from '../../src/rolls/rolls.ts';
import { file } from '../../src/rolls/tar.ts';

const rolls = checkRolls(requiredRolls);
const source = Buffer.from('code');
const plan = (changed = rolls, suite = 'bookworm', code = source) =>
  planRecipe(changed, suite, code).digest;

describe('the digest of a recipe', () => {
  test('is the same for the same recipe', () => {
    expect(plan(checkRolls(['mpi', 'slurm', 'base']))).toBe(plan());
  });

  const [base, ...others] = rolls;
  test.each([
    ['release', () => plan(rolls, 'trixie')],
    ['code', () => plan(rolls, 'bookworm', Buffer.from('other code'))],
    ['package', () => plan([{ ...base!, packages: [...base!.packages, 'vim'] }, ...others])],
    ['file', () => plan([{ ...base!, image: [...base!.image, file('etc/motd', '')] }, ...others])],
    ['service', () => plan([{ ...base!, services: { frontend: [], compute: [] } }, ...others])],
    ['account', () => plan([{ ...base!, accounts: [] }, ...others])],
  ])('is another one with another %s', (_, changed) => {
    expect(changed()).not.toBe(plan());
  });

  test('has a target for each appliance', () => {
    const { entries } = planRecipe(rolls, 'bookworm', source);
    const target = entries.find((entry) => entry.path.endsWith('/mvc-compute.target'));
    expect(target?.content.toString()).toContain('slurmd.service');
    expect(target?.content.toString()).not.toContain('slurmctld.service');
  });
});

describe('the release of the build machine', () => {
  test('is read from os-release', () => {
    expect(debianSuite('ID=debian\nVERSION_CODENAME=bookworm\n')).toBe('bookworm');
  });

  test.each(['ID=ubuntu\nVERSION_CODENAME=noble\n', 'ID=debian\n', ''])(
    'must be a Debian: %j',
    (text) => {
      expect(() => debianSuite(text)).toThrow('only be built on a Debian');
    },
  );
});
