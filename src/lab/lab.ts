import { mkdir } from 'node:fs/promises';
import { Failure, toFailure } from '../domain/failure.ts';
import { withLock } from '../site/host-lock.ts';
import { ensureSiteKey, prepareMachine, writeSiteFile } from './accounts.ts';
import { openDirectory, readPlan, requirePlan, writePlan, type LabDirectory } from './directory.ts';
import { freeDoorPorts } from './door.ts';
import { namespacesAreMounted, removeLab } from './down.ts';
import { ensureMachine, insideMachine, requireInit, stopMachine } from './machine.ts';
import { ensureNamespace } from './namespace.ts';
import { forgetRuntimeNetwork } from './network.ts';
import {
  checkRtt,
  controllerEnd,
  findMachine,
  findSite,
  lan,
  machinesOf,
  planLab,
  wan,
  type LabPlan,
  type LabSite,
} from './plan.ts';
import { requirePrograms, requireRoot } from './prerequisites.ts';
import { ensureProjectPrograms } from './project-programs.ts';
import { connectMachine, connectSite, ensureSiteEnd } from './site-network.ts';
import { labReport, type LabReport } from './status.ts';
import { mendAll } from './cut.ts';
import { addressController, ensureHub, ensureWanEnd, setRtt } from './wan.ts';

export interface LabUpOptions {
  /** State directory, an absolute path. One lab each. */
  home: string;
  /** 3 by default; the first one is meant as the origin of clusters. */
  sites?: number;
  /** VM containers per site. */
  hosts?: number[];
  /** Milliseconds of a round trip between any two sites, and to the controller; 100 by default. */
  rttMs?: number;
  /** Leaves the machines as their administrators find them: no account, no program, no key, no site file. */
  bare?: boolean;
  onProgress?: (line: string) => void;
}

const lockSeconds = 120;

/**
 * Makes test sites on this machine, or repairs what is missing of those that are there. Nothing is
 * registered: `siteFiles` of the report are what `mvc site add -f` takes.
 *
 * @throws {Failure} AccessDenied unless root, MissingTool, BadInput, Conflict with another shape of the lab.
 */
export async function labUp(options: LabUpOptions): Promise<LabReport> {
  requireRoot();
  requirePrograms();
  const directory = await openDirectory(options.home);
  const say = options.onProgress ?? (() => undefined);
  return withLock(directory.lockFile, lockSeconds, async () => {
    const known = await readPlan(directory);
    if (known) {
      const plan = await samePlan(directory, known, options);
      say(`the lab in ${directory.home} exists; repairing what is missing`);
      await converge(directory, plan, say, options.bare);
      return labReport(directory, plan);
    }
    const plan = await newPlan(directory, options);
    try {
      await writePlan(directory, plan);
      await converge(directory, plan, say, options.bare);
    } catch (error) {
      say('the lab could not be made; removing what was made of it …');
      await removeLab(directory).catch((left: unknown) =>
        // Why the lab could not be made matters more than why the rest stays.
        say(`not all could be removed, repeat \`mvc lab down\`: ${toFailure(left).message}`),
      );
      throw error;
    }
    return labReport(directory, plan);
  });
}

/** Removes the lab with everything in it. @returns false if there was none. */
export async function labDown(options: {
  home: string;
  onProgress?: (line: string) => void;
}): Promise<boolean> {
  requireRoot();
  const directory = await openDirectory(options.home);
  options.onProgress?.(`removing the lab in ${directory.home}`);
  return withLock(directory.lockFile, lockSeconds, () => removeLab(directory));
}

/** @throws {Failure} NotFound. */
export async function labStatus(options: { home: string }): Promise<LabReport> {
  requireRoot();
  const directory = await openDirectory(options.home);
  return labReport(directory, await requirePlan(directory));
}

/** Changes the WAN's delay while everything runs. Milliseconds of a round trip. */
export async function labRtt(options: { home: string; ms: number }): Promise<void> {
  requireRoot();
  checkRtt(options.ms);
  const directory = await openDirectory(options.home);
  await withLock(directory.lockFile, lockSeconds, async () => {
    const plan = await requirePlan(directory);
    await changeRtt(directory, plan, options.ms);
  });
}

/** Cuts a machine's power and starts it again: its disk stays, its network and processes are new. */
export async function labReboot(options: { home: string; machine: string }): Promise<void> {
  requireRoot();
  const directory = await openDirectory(options.home);
  await withLock(directory.lockFile, lockSeconds, async () => {
    const plan = await requirePlan(directory);
    const machine = findMachine(plan, options.machine);
    const site = findSite(plan, machine.site);
    await stopMachine(directory, machine);
    const ports = site.containers.map((each) => each.container ?? '');
    const wired =
      machine.container === undefined ? [wan.interface, lan.bridge, ...ports] : ['eth0'];
    await forgetRuntimeNetwork(plan.id, machine, ['lo', ...wired]);
    await connectMachine(plan, site, machine);
    await ensureMachine(directory, machine);
  });
}

/** The argument list that runs a program inside a machine of the lab, as root. */
export async function labExecArgv(options: {
  home: string;
  machine: string;
  argv: string[];
}): Promise<[string, ...string[]]> {
  requireRoot();
  const directory = await openDirectory(options.home);
  const plan = await requirePlan(directory);
  return insideMachine(directory, findMachine(plan, options.machine), options.argv);
}

async function newPlan(directory: LabDirectory, options: LabUpOptions): Promise<LabPlan> {
  const sites = options.sites ?? options.hosts?.length ?? 3;
  const plan = (doorPorts: number[]) =>
    planLab({
      id: directory.id,
      rttMs: options.rttMs ?? 100,
      sites,
      ...(options.hosts ? { hosts: options.hosts } : {}),
      doorPorts,
    });
  // Once to check the numbers, before any port is looked for.
  plan([]);
  return { ...plan(await freeDoorPorts(sites)), netnsWasMounted: namespacesAreMounted() };
}

/** @throws {Failure} Conflict if the lab that is there has another shape. */
async function samePlan(
  directory: LabDirectory,
  known: LabPlan,
  options: LabUpOptions,
): Promise<LabPlan> {
  const shape = known.sites.map((site) => site.containers.length);
  const sites = options.sites ?? options.hosts?.length ?? shape.length;
  if (sites !== shape.length || (options.hosts && options.hosts.join() !== shape.join())) {
    throw new Failure(
      'Conflict',
      `the lab in ${directory.home} has ${shape.length} sites with ${shape.join(', ')} VM containers`,
      { help: 'remove it first (`mvc lab down`), or use another MVC_HOME' },
    );
  }
  const rttMs = options.rttMs ?? known.rttMs;
  checkRtt(rttMs);
  const plan = { ...mended(known), rttMs };
  await writePlan(directory, plan);
  return plan;
}

/** Without its faults. What the gateways are and which addresses they have stays. */
function mended(plan: LabPlan): LabPlan {
  return { ...plan, cut: [], sites: plan.sites.map(({ doorAddress: _, ...site }) => site) };
}

/** Makes whatever of the plan is missing. */
async function converge(
  directory: LabDirectory,
  plan: LabPlan,
  say: (line: string) => void,
  bare = false,
): Promise<void> {
  await mkdir(directory.run, { recursive: true, mode: 0o700 });
  say(`WAN with ${plan.rttMs} ms between any two of ${plan.sites.length} sites …`);
  await Promise.all(
    [controllerEnd, ...machinesOf(plan).map((each) => each.name)].map((name) =>
      ensureNamespace(plan.id, name),
    ),
  );
  await ensureHub(directory);
  await Promise.all([
    ensureWanEnd(directory, plan, controllerEnd),
    ...plan.sites.map((site) => ensureSiteEnd(directory, plan, site)),
  ]);
  await setRtt(directory, plan, plan.rttMs);
  await mendAll(directory, plan);
  await addressController(plan.id);
  await Promise.all(plan.sites.map((site) => connectSite(directory, plan, site)));

  say(`starting ${machinesOf(plan).length} machines …`);
  await Promise.all(
    machinesOf(plan).map(async (machine) => {
      await ensureMachine(directory, machine);
      await ensureProjectPrograms(requireInit(directory, machine));
    }),
  );
  if (bare) return;
  say('preparing their accounts as an administrator would …');
  await Promise.all(plan.sites.map((site) => openSite(directory, site)));
}

async function openSite(directory: LabDirectory, site: LabSite): Promise<void> {
  await ensureSiteKey(directory, site.name);
  const machines = [site.frontend, ...site.containers];
  await Promise.all(machines.map((machine) => prepareMachine(directory, site, machine)));
  await writeSiteFile(directory, site);
}

async function changeRtt(directory: LabDirectory, plan: LabPlan, rttMs: number): Promise<void> {
  await setRtt(directory, plan, rttMs);
  await writePlan(directory, { ...plan, rttMs });
}
