import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/command-line.ts';
import { startController, type TestController } from '../helpers/controller.ts';

const root = join(import.meta.dirname, '..', '..');
const examples = join(root, 'examples');
const tools = join(root, 'node_modules', '.tools');
/** As a careful project has it. */
const strictNode = {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: 'nodenext',
  target: 'es2024',
  noEmit: true,
  skipLibCheck: true,
};

let controller: TestController;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-examples-'));
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function run(program: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(program, args, {
    ...process.env,
    PATH: `${join(root, '.tools')}:${process.env['PATH']}`,
    TEMPORAL_ADDRESS: controller.engine.address,
  });
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}\n${stderr}`);
  return stdout;
}

async function specFile(name: string): Promise<string> {
  const file = join(directory, `${name}.json`);
  const sites = ['alpine', 'beach'].map((site) => ({ name: site, computes: 1 }));
  await writeFile(file, JSON.stringify(controller.spec(name, { sites })));
  return file;
}

async function phaseOf(name: string): Promise<unknown> {
  return controller.client.result(await controller.client.latest(name));
}

/** A project that has the packed client, and its dependencies from here. */
async function projectWithClient(): Promise<string> {
  const built = join(directory, 'built');
  const project = join(directory, 'project');
  const modules = join(project, 'node_modules');
  await mkdir(modules, { recursive: true });
  await run(process.execPath, join(root, 'scripts', 'build-client.ts'), built);
  const packed = await run('npm', 'pack', built, '--silent', '--pack-destination', directory);
  await run('tar', '-xzf', join(directory, packed.trim()), '-C', directory);
  await run('mv', join(directory, 'package'), join(modules, 'mvc-client'));
  for (const name of ['@temporalio', '@types', 'zod', 'undici-types']) {
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { ...strictNode, types: ['node'] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await copyFile(join(examples, 'typescript', 'build.ts'), join(project, 'build.ts'));
  return project;
}

describe('a program that builds a cluster', () => {
  it('in TypeScript passes the type check and runs against the packed client', async () => {
    const project = await projectWithClient();
    await run(join(root, 'node_modules', '.bin', 'tsc'), '-p', project);
    const output = await run(process.execPath, join(project, 'build.ts'), await specFile('typed'));
    expect(output).toContain('"phase":"ready"');
  });

  it('with the temporal command starts it by plain JSON', async () => {
    const script = join(examples, 'temporal-cli', 'build.sh');
    await run('sh', script, 'plain', await specFile('plain'));
    expect(await phaseOf('plain')).toMatchObject({ phase: 'ready' });
  });

  it('in Python starts it by plain JSON', async () => {
    const python = join(tools, 'python', 'bin', 'python');
    await run('python3', '-m', 'venv', join(tools, 'python'));
    const requirements = join(examples, 'python', 'requirements.txt');
    await run(python, '-m', 'pip', 'install', '-q', '--require-hashes', '-r', requirements);
    const output = await run(python, join(examples, 'python', 'build.py'), await specFile('snake'));
    expect(output).toContain('"phase": "ready"');
  });
});
