import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes, failureCodes } from '../../src/cli/error-codes.ts';
import { errorLines } from '../../src/cli/errors.ts';
import { isRetried } from '../../src/cli/explain.ts';
import { sectionOf } from '../../src/cli/topics.ts';
import { usageErrorJson, usageErrorText } from '../../src/cli/usage-error.ts';
import { failureKinds } from '../../src/domain/failure.ts';
import { runProgram } from '../helpers/command-line.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
const exitCodesPage = readFileSync(join(root, 'docs/help/exit-codes.md'), 'utf8');
const codes = errorCodes.map(({ code }) => code);

describe('docs/errors.md', () => {
  test('has a section for each code, and for nothing else', () => {
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual(codes.toSorted());
  });

  test.each(errorCodes)('says of $code its exit code and whether it is tried again', (known) => {
    const section = sectionOf(page, known.code) ?? '';
    const retried = isRetried(known.code) ? 'Tried again.' : 'Not tried again.';
    expect(section.split('\n')[2]).toBe(`Exit code ${known.exitCode}. ${retried}`);
  });

  test.each(codes)('says of %s what causes it and what to do', (code) => {
    const section = sectionOf(page, code) ?? '';
    expect(section).toMatch(/^Typical causes:\n\n- /m);
    expect(section).toMatch(/^What to do: /m);
  });
});

test('every kind of failure has a code of its own', () => {
  expect(Object.keys(failureCodes).toSorted()).toEqual(Object.keys(failureKinds).toSorted());
  expect(new Set(codes).size).toBe(codes.length);
});

test('every exit code is explained', () => {
  for (const { exitCode } of errorCodes) expect(exitCodesPage).toContain(`| ${exitCode} `);
});

describe('an error', () => {
  const report = { code: 'not-found', exitCode: 5, retryable: false };

  test('is shown with its code, the nearest names and what to do', () => {
    const lines = errorLines({
      ...report,
      message: 'there is no cluster dmeo',
      didYouMean: ['demo', 'dome'],
      help: '`mvc list` shows the clusters',
    });
    expect(lines).toEqual([
      'mvc: there is no cluster dmeo [not-found]',
      '     Did you mean demo or dome?',
      '     `mvc list` shows the clusters',
    ]);
  });

  test('without a next step names the explanation', () => {
    expect(errorLines({ ...report, message: 'gone' })[1]).toBe(
      '     `mvc explain not-found` tells more',
    );
  });

  test('of the command line itself is told like all others', () => {
    const text = "error: unknown option '--jsn'\n(Did you mean --json?)";
    expect(usageErrorText(text)).toBe(
      "mvc: unknown option '--jsn' [usage]\n(Did you mean --json?)",
    );
    expect(JSON.parse(usageErrorJson(text))).toMatchObject({
      error: { code: 'usage', exitCode: 2, retryable: false },
    });
  });
});

describe('the program', () => {
  const main = join(root, 'src/cli/main.ts');
  const mvc = (...argv: string[]) =>
    runProgram(process.execPath, [main, ...argv], { ...process.env, MVC_HOME: '/nonexistent/mvc' });

  test('ends with the code of the failure, in words or as JSON', async () => {
    const said = await mvc('explain', 'bussy');
    expect(said).toMatchObject({ exitCode: 5, stdout: '' });
    expect(said.stderr).toBe(
      'mvc: there is no error code bussy [not-found]\n     Did you mean busy?\n',
    );
    const { exitCode, stderr } = await mvc('explain', 'bussy', '--json');
    expect(exitCode).toBe(5);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'not-found', exitCode: 5 } });
  });

  test('with --json says nothing but JSON of a wrong command line', async () => {
    const { exitCode, stdout, stderr } = await mvc('site', 'lst', '--json');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage' } });
  });

  test("takes a --json after -- for a part of somebody else's command", async () => {
    const { stderr } = await mvc('ssh', 'demo', '--', 'sinfo', '--json');
    expect(stderr).toMatch(/^mvc: .*\[unreachable\]/);
  });

  test('explains a code, also as a step shows it', async () => {
    expect((await mvc('explain', 'HostKeyChanged')).stdout).toContain('Exit code 7.');
  });
});
