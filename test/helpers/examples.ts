import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ClusterSpecInput } from '../../src/domain/cluster.ts';
import { runProgram, type Ended } from './command-line.ts';

const root = join(import.meta.dirname, '..', '..');
const examples = join(root, 'examples');
const tools = join(root, '.tools');

/** The languages in which `examples/` starts builds, and goes on with them. */
export const languages = ['typescript', 'temporal-cli', 'python'] as const;
export type Language = (typeof languages)[number];

/** The examples as a user runs them: outside the checkout, with the packages that their texts name. */
export class Examples {
  private readonly directory: string;
  private readonly address: string;

  private constructor(directory: string, address: string) {
    this.directory = directory;
    this.address = address;
  }

  /** @param address of Temporal, host:port. */
  static async open(address: string): Promise<Examples> {
    const directory = await mkdtemp(join(tmpdir(), 'mvc-examples-'));
    await cp(examples, directory, { recursive: true });
    await installClient(join(directory, 'typescript'));
    await writeFile(join(directory, 'typescript', 'package.json'), '{"type":"module"}');
    return new Examples(directory, address);
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Checks the types of the examples in TypeScript, and of all that they import. */
  async checkTypes(...more: string[]): Promise<Ended> {
    const directory = join(this.directory, 'typescript');
    // In its place a project installs @types/ms: Temporal's own types need it, and do not bring it.
    const types = join(directory, 'ms.d.ts');
    await writeFile(types, "declare module 'ms' {\n  export type StringValue = string;\n}\n");
    const options = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--types',
      'node',
    ];
    const files = ['build.ts', 'resume.ts'].map((file) => join(directory, file));
    return runProgram(join(root, 'node_modules', '.bin', 'tsc'), [
      ...options,
      ...more,
      ...files,
      types,
    ]);
  }

  /** Builds the cluster by the example in that language, then destroys it. */
  async build(language: Language, spec: ClusterSpecInput): Promise<Ended> {
    const file = join(this.directory, `${spec.name}.json`);
    await writeFile(file, JSON.stringify(spec));
    const name = language === 'temporal-cli' ? [spec.name] : [];
    return this.run(language, 'build', [...name, file, '--destroy']);
  }

  /** Goes on with what is parked by the example in that language, and waits for its end. */
  async resume(language: Language, cluster: string): Promise<Ended> {
    return this.run(language, 'resume', [cluster]);
  }

  private async run(language: Language, example: string, args: string[]): Promise<Ended> {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: this.address,
      PATH: `${tools}:${process.env['PATH']}`,
    };
    const program = join(this.directory, language, example);
    switch (language) {
      case 'typescript':
        return runProgram(process.execPath, [`${program}.ts`, ...args], env);
      case 'temporal-cli':
        return runProgram(`${program}.sh`, args, env);
      case 'python': {
        const packages = await pythonPackages();
        return runProgram('python3', [`${program}.py`, ...args], { ...env, PYTHONPATH: packages });
      }
    }
  }
}

/** Builds and packs the client, and unpacks it as npm would; what it depends on comes from the checkout. */
async function installClient(project: string): Promise<void> {
  await must(process.execPath, join(root, 'scripts', 'build-client.ts'));
  const packed = await mkdtemp(join(tmpdir(), 'mvc-client-'));
  try {
    const client = join(root, 'dist', 'client');
    await must('npm', 'pack', '--silent', '--pack-destination', packed, client);
    const [archive = ''] = await readdir(packed);
    await must('tar', '-xzf', join(packed, archive), '-C', packed);
    const target = join(project, 'node_modules', 'mvc-client');
    await mkdir(dirname(target), { recursive: true });
    await cp(join(packed, 'package'), target, { recursive: true });
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
  for (const name of ['@temporalio', '@types', 'zod']) {
    await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name));
  }
}

/** The packages of the Python example, fetched once per list of them. */
async function pythonPackages(): Promise<string> {
  const list = join(examples, 'python', 'requirements.txt');
  const digest = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12);
  const target = join(tools, `python-${digest}`);
  if (existsSync(target)) return target;
  const fresh = await mkdtemp(`${target}.`);
  const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
  const exact = ['--require-hashes', '--only-binary', ':all:', '--target', fresh];
  await must('python3', '-m', 'pip', 'install', ...quiet, ...exact, '-r', list);
  await rename(fresh, target);
  return target;
}

async function must(program: string, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await runProgram(program, args);
  if (exitCode === 0) return;
  throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
}
