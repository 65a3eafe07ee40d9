import type { Shell } from '../../../../transport/shell.ts';
import { deviceNames, probeAddress } from './addresses.ts';
import type { KeeperState } from './keeper-state.ts';
import { applyRoutes, readRoutes, renderRoutes, type HostRoutes } from './routes.ts';

/** Somebody else may have changed them; with a device that is made anew they are gone. */
const lookMs = 10_000;

/** Keeps the routes of the VMs and of the probe addresses, with one call of `ip` when something changes. */
export function createRouteKeeper(shell: Shell) {
  let have: HostRoutes = new Map();
  let lookedAt = -Infinity;

  return {
    /** @param wanted by address of a VM; nothing: what is there stays, as far as it is known to the table. */
    async keep(
      state: KeeperState,
      wanted: Map<string, number> | undefined,
      now: number,
    ): Promise<void> {
      const devices = deviceNames(state.config);
      if (now - lookedAt > lookMs) {
        have = await readRoutes(shell, devices);
        lookedAt = now;
      }
      const vms = wanted ? vmRoutes(wanted, devices) : vmRoutesOf(state, have);
      const want = new Map([...probeRoutes(state), ...vms]);
      const lines = renderRoutes(have, want);
      if (lines.length === 0) return;
      // If one fails, what is there is to be looked at again.
      lookedAt = -Infinity;
      await applyRoutes(shell, lines);
      have = want;
      lookedAt = now;
    },
  };
}

function vmRoutes(wanted: Map<string, number>, devices: string[]): HostRoutes {
  return new Map([...wanted].map(([address, device]) => [address, devices[device] ?? '']));
}

function probeRoutes({ config }: KeeperState): HostRoutes {
  return new Map(
    deviceNames(config).flatMap((name, device) =>
      config.peers.map(({ number }) => [probeAddress(config, device, number), name] as const),
    ),
  );
}

function vmRoutesOf({ config }: KeeperState, have: HostRoutes): HostRoutes {
  const known = new Set(config.peers.flatMap((peer) => peer.addresses));
  return new Map([...have].filter(([address]) => known.has(address)));
}
