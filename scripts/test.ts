import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { cleanUp } from './test-cleanup.ts';

/**
 * `./mvc test`: format, types, lint, dead code, then the tests of all projects. The last line is
 * the sum; each of the checks counts as one test. Whatever happens, Ctrl-C included, nothing that
 * the tests started is left: all of it carries this run's temporary directory in its environment.
 */
interface Sum {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, with the first lines of why: said once more before the sum. */
  failures: string[];
}

const root = dirname(import.meta.dirname);
const usage = 'usage: mvc test [--unit | --quick]   --unit: no services; --quick: no test sites';

const checks: [string, string[]][] = [
  ['format', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['types', ['tsc', '--noEmit']],
  ['lint', ['oxlint', '--type-aware', '--deny-warnings']],
  ['dead code', ['knip', '--no-progress']],
];

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

const needRoot = ['network', 'lab'];

let current: ChildProcess | undefined;
let interrupted = false;

async function main(): Promise<number> {
  const stages = chooseStages();
  const temporary = await mkdtemp(join(tmpdir(), 'mvct-'));
  // Servers that refuse to be root run as another account, which must get through.
  await chmod(temporary, 0o711);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  const sum: Sum = { passed: 0, failed: 0, skipped: 0, failures: [] };
  try {
    for (const [title, argv] of checks) {
      if (interrupted) break;
      add(sum, await runCheck(title, argv, temporary));
    }
    for (const projects of stages) {
      if (interrupted) break;
      add(sum, await runProjects(projects, temporary));
    }
  } finally {
    await cleanUp(temporary);
  }
  for (const failure of sum.failures) process.stdout.write(`\nFAILED  ${failure}\n`);
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
  process.stdout.write(
    `${interrupted ? 'interrupted: ' : ''}${sum.passed} passed, ${sum.failed} failed${skipped}\n`,
  );
  return sum.failed === 0 && !interrupted ? 0 : 1;
}

/** Projects of vitest that run one after the other, or together: those that wait more than they work. */
function chooseStages(): string[][] {
  const options = {
    unit: { type: 'boolean' },
    quick: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  let values: { unit?: boolean; quick?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    process.stderr.write(`mvc: ${(error as Error).message}\n     ${usage}\n`);
    process.exit(2);
  }
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  if (values.unit) return [['unit']];
  return [['unit'], ...(values.quick ? [['services']] : [['services', 'network'], ['lab']])];
}

function interrupt(): void {
  interrupted = true;
  // The whole group: vitest first runs what its tests have to undo.
  if (current?.pid !== undefined) process.kill(-current.pid, 'SIGINT');
}

async function runCheck(title: string, argv: string[], temporary: string): Promise<Sum> {
  const ok = await run(title, argv, temporary);
  return outcomeOfWhole(title, ok);
}

async function runProjects(projects: string[], temporary: string): Promise<Sum> {
  const isRoot = process.getuid?.() === 0;
  const here = projects.filter((project) => isRoot || !needRoot.includes(project));
  const elsewhere = projects.filter((project) => !here.includes(project));
  for (const project of elsewhere) {
    process.stdout.write(`\n--- tests: ${project}: not run, they need root\n`);
  }
  const skipped = elsewhere.length;
  if (here.length === 0) return { passed: 0, failed: 0, skipped, failures: [] };
  const title = here.join(' and ');
  const file = join(temporary, `${here.join('-')}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const chosen = here.flatMap((project) => ['--project', project]);
  const argv = ['vitest', 'run', ...chosen, '--passWithNoTests', ...reporters];
  const ok = await run(`tests: ${title}`, argv, temporary);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { ...outcomeOfWhole(title, ok), passed: 0, skipped };
  const report = reportSchema.parse(JSON.parse(text));
  return {
    passed: report.numPassedTests,
    // A file that cannot even be loaded has no failed test, but fails the run.
    failed: Math.max(report.numFailedTests, ok ? 0 : 1),
    skipped: skipped + report.numPendingTests + report.numTodoTests,
    failures: failuresOf(report),
  };
}

function outcomeOfWhole(title: string, ok: boolean): Sum {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, failures: ok ? [] : [title] };
}

function failuresOf(report: z.infer<typeof reportSchema>): string[] {
  return report.testResults.flatMap((file) => {
    const path = relative(root, file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0)
      return file.message === '' ? [] : [`${path}\n${shortly(file.message)}`];
    return failed.map(
      ({ fullName, failureMessages }) =>
        `${path}  ${fullName}\n${shortly((failureMessages ?? []).join('\n'))}`,
    );
  });
}

function shortly(text: string): string {
  return text.split('\n').slice(0, 12).join('\n');
}

/** Runs a program of node_modules in a process group of its own; true if it ended with 0. */
async function run(title: string, argv: string[], temporary: string): Promise<boolean> {
  process.stdout.write(`\n--- ${title}\n`);
  const begin = Date.now();
  const [program = '', ...args] = argv;
  const bins = [dirname(process.execPath), join(root, 'node_modules', '.bin')];
  current = spawn(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      PATH: [...bins, process.env['PATH']].join(delimiter),
      TMPDIR: temporary,
      MVC_HOME: join(temporary, 'home'),
    },
  });
  const [status] = (await once(current, 'exit')) as [number | null];
  current = undefined;
  const seconds = ((Date.now() - begin) / 1000).toFixed(1);
  process.stdout.write(`--- ${title}: ${status === 0 ? 'passed' : 'FAILED'} (${seconds} s)\n`);
  return status === 0;
}

function add(sum: Sum, more: Sum): void {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skipped += more.skipped;
  sum.failures.push(...more.failures);
}

process.exitCode = await main();
