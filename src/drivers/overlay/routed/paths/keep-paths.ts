import { setTimeout as sleep } from 'node:timers/promises';
import { ownProgramVersion } from '../../../../transport/own-program.ts';
import type { Shell } from '../../../../transport/shell.ts';
import { openDevices } from './devices.ts';
import { openKeeperFiles } from './files.ts';
import { adopt, newKeeperState, type KeeperState } from './keeper-state.ts';
import { onMessage } from './on-message.ts';
import { onTick } from './on-tick.ts';
import { wantedRoutes } from './paths-of.ts';
import { createPerformer } from './perform.ts';
import { createProbeSockets } from './probe-sockets.ts';
import { createReports } from './reports.ts';
import { createRouteKeeper } from './route-keeper.ts';

const tickMs = 250;
/** While something is in doubt or under way. */
const busyTickMs = 100;
const turnsToLookAtProgram = 40;

/**
 * Keeps the paths of one VM container until it is ended, or its program was replaced: its supervisor then starts
 * the new one. Nothing that fails ends it: it says so in a line and goes on. When it ends, routes and sessions
 * stay as they are.
 *
 * @param directory with `paths.json` and `psk/`; its state is written there.
 */
export async function keepPaths(directory: string, shell: Shell): Promise<void> {
  const files = openKeeperFiles(directory);
  const program = await ownProgramVersion();
  const state = await firstState(directory);
  const sockets = createProbeSockets((device, from, message) => {
    onMessage(state, device, from, message, now());
    perform();
  });
  const devices = openDevices(
    state,
    shell,
    (device) => complain(`${device} has ended`),
    () => perform(),
  );
  const routes = createRouteKeeper(shell);
  const reports = createReports(files);
  const performer = createPerformer({ state, files, sockets, devices, complain });
  const perform = () => performer.perform();
  performer.adopt();
  await reports.restore(state);

  let turn = 0;
  for (;;) {
    const began = now();
    if (turn % 2 === 0) await trying('the table', () => takeConfig(state));
    if (turn % 2 === 0) await trying('probes', () => sockets.ensure(state.config));
    await trying('WireGuard', () => devices.look(now()));
    onTick(state, now());
    perform();
    await trying('routes', () => routes.keep(state, wantedRoutes(state, now()), now()));
    await trying('the state', () => reports.write(state, now(), Date.now()));
    turn += 1;
    if (turn % turnsToLookAtProgram === 0 && (await isReplaced(program))) return;
    const pause = isBusy(state) ? busyTickMs : tickMs;
    await sleep(Math.max(20, pause - (now() - began)));
  }

  async function firstState(path: string): Promise<KeeperState> {
    for (;;) {
      const config = await trying(`the table in ${path}`, () => files.readConfig());
      if (config) return newKeeperState(config, now(), Math.random);
      await sleep(500);
    }
  }

  async function takeConfig(state: KeeperState): Promise<void> {
    const config = await files.readConfig();
    if (!config) return;
    adopt(state, config, now());
    devices.adopt();
    performer.adopt();
  }
}

async function isReplaced(program: string): Promise<boolean> {
  // While it is being replaced there may be none.
  const now = await trying('the program', ownProgramVersion);
  return now !== undefined && now !== program;
}

function isBusy(state: KeeperState): boolean {
  return (
    [...state.links.values()].some((link) => link.life.doubt) ||
    [...state.pairs.values()].some((pair) => pair.phase.kind === 'trying')
  );
}

let complained = { text: '', at: -Infinity };

/** One line; the same again at most every 10 s. */
function complain(text: string): void {
  const line = text.replace(/\s+/g, ' ').slice(0, 300);
  if (line === complained.text && now() - complained.at < 10_000) return;
  complained = { text: line, at: now() };
  process.stderr.write(`${line}\n`);
}

async function trying<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    complain(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Milliseconds since 1970 that never jump. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
