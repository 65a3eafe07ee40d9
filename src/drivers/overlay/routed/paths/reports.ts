import type { KeeperFiles } from './files.ts';
import { linkKey, ownRelayDevice, type KeeperState } from './keeper-state.ts';
import { viewPaths } from './paths-of.ts';
import type { PathsState } from './state.ts';

const stateMs = 2000;
/** It is also a sign of life. */
const unchangedMs = 30_000;
const endpointsMs = 5000;

/** Writes what others read of the keeper, and what it wants to know after its own start. */
export function createReports(files: KeeperFiles) {
  let state = { text: '', at: -Infinity };
  let endpoints = { text: '', at: -Infinity };

  async function writeState(keeper: KeeperState, now: number, wallMs: number): Promise<void> {
    if (now - state.at < stateMs) return;
    const view = viewPaths(keeper, wallMs);
    const text = withoutTimes(view);
    if (text === state.text && now - state.at < unchangedMs) return;
    state = { text, at: now };
    await files.writeState(view);
  }

  async function writeEndpoints(keeper: KeeperState, now: number): Promise<void> {
    if (ownRelayDevice(keeper.config) === undefined || now - endpoints.at < endpointsMs) return;
    const known = new Map(
      [...keeper.links.values()].flatMap(({ device, number, endpoint }) =>
        // A port of a TCP carrier is gone when we are.
        endpoint && !endpoint.address.startsWith('127.')
          ? [[linkKey(device, number), endpoint] as const]
          : [],
      ),
    );
    const text = JSON.stringify([...known]);
    if (text === endpoints.text || known.size === 0) return;
    endpoints = { text, at: now };
    await files.writeEndpoints(known);
  }

  return {
    /** Endpoints of a time before this process: for peers that have none. */
    async restore(keeper: KeeperState): Promise<void> {
      if (ownRelayDevice(keeper.config) === undefined) return;
      for (const [key, endpoint] of await files.readEndpoints()) keeper.restore.set(key, endpoint);
    },
    async write(keeper: KeeperState, now: number, wallMs: number): Promise<void> {
      await writeState(keeper, now, wallMs);
      await writeEndpoints(keeper, now);
    },
  };
}

/** Round trips and the clock change all the time: they are no reason to write. */
function withoutTimes(view: PathsState): string {
  return JSON.stringify({ ...view, at: 0 }, (key, value: unknown) =>
    key === 'rttMs' ? undefined : value,
  );
}
