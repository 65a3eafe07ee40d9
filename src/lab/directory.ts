import { mkdir, readFile, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import { ignoreAbsent, writeDurably } from '../transport/durable-file.ts';
import { labId, type LabPlan } from './plan.ts';

/** Where a lab keeps what it knows. */
export interface LabDirectory {
  home: string;
  id: string;
  planFile: string;
  lockFile: string;
  /** Sockets and logs; short, since a socket's path may have 107 characters. */
  run: string;
  machine(name: string): string;
  keyFile(site: string): string;
  siteFile(site: string): string;
}

/** @throws {Failure} BadInput for a path that a mount option could not carry. */
export async function openDirectory(home: string): Promise<LabDirectory> {
  if (!/^\/[A-Za-z0-9._/-]+$/.test(home)) {
    throw new Failure('BadInput', `the lab cannot keep its state in ${JSON.stringify(home)}`, {
      help: 'name a directory by its absolute path of letters, digits, and . _ - / (MVC_HOME)',
    });
  }
  await mkdir(home, { recursive: true, mode: 0o700 });
  const root = await realpath(home);
  const id = labId(root);
  return {
    home: root,
    id,
    planFile: join(root, 'lab.json'),
    lockFile: join(root, 'lock'),
    run: `/run/mvclab-${id}`,
    machine: (name) => join(root, 'machines', name),
    keyFile: (site) => join(root, 'keys', site),
    siteFile: (site) => join(root, 'sites', `${site}.json`),
  };
}

/** The plan of the lab that is (or was being) made here. */
export async function readPlan(directory: LabDirectory): Promise<LabPlan | undefined> {
  const text = await ignoreAbsent(readFile(directory.planFile, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as LabPlan);
}

/** @throws {Failure} NotFound if there is no lab. */
export async function requirePlan(directory: LabDirectory): Promise<LabPlan> {
  const plan = await readPlan(directory);
  if (plan) return plan;
  throw new Failure('NotFound', `there is no lab in ${directory.home}`, {
    help: '`mvc lab up` makes one',
  });
}

export async function writePlan(directory: LabDirectory, plan: LabPlan): Promise<void> {
  await writeDurably(directory.planFile, `${JSON.stringify(plan, undefined, 2)}\n`);
}

/** Removes all files of the lab. Its machines must be gone: they hold mounts of these. */
export async function removeFiles(directory: LabDirectory): Promise<void> {
  for (const name of ['machines', 'keys', 'sites', 'lab.json']) {
    await rm(join(directory.home, name), { recursive: true, force: true });
  }
  await rm(directory.run, { recursive: true, force: true });
  await rm(directory.lockFile, { force: true });
  try {
    await rmdir(directory.home);
  } catch (error) {
    // Somebody else keeps files there too.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
