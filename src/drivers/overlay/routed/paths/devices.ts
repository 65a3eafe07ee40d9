import type { Shell } from '../../../../transport/shell.ts';
import { deviceNames } from './addresses.ts';
import type { KeeperState } from './keeper-state.ts';
import { onCounters, onDeviceLost } from './on-counters.ts';
import { readPacketCounters } from './packet-counters.ts';
import { openWgDevice, type WgDevice } from './wg-device.ts';

/** The WireGuard devices of this container. */
export interface Devices {
  /** Looks at all of them; a missing one is taken for lost. @throws what the last of them did. */
  look(now: number): Promise<void>;
  device(index: number): WgDevice | undefined;
  /** Opens and closes what the new table asks for. */
  adopt(): void;
}

/** @param onChange is called after a device was lost, outside of a look. */
export function openDevices(
  state: KeeperState,
  shell: Shell,
  onLost: (name: string) => void,
  onChange: () => void,
): Devices {
  let open: WgDevice[] = [];

  const lose = (name: string) => {
    const index = deviceNames(state.config).indexOf(name);
    if (index < 0 || state.down.has(index)) return;
    onLost(name);
    onDeviceLost(state, index, performance.timeOrigin + performance.now());
    onChange();
  };

  const devices: Devices = {
    async look(now) {
      const packets = await readPacketCounters();
      const dumps = open.map(async (device, index) => {
        const dump = await device.dump(packets.get(device.name) ?? 0, now);
        // A program that has just been started has no peers yet.
        if (dump.peers.length > 0 || state.config.peers.length === 0) {
          onCounters(state, index, dump.peers, now);
        }
      });
      const results = await Promise.allSettled(dumps);
      for (const [index, result] of results.entries()) {
        if (result.status === 'rejected') lose(open[index]?.name ?? '');
      }
    },
    device: (index) => open[index],
    adopt() {
      const names = deviceNames(state.config);
      for (const device of open) if (!names.includes(device.name)) device.close();
      open = names.map(
        (name) =>
          open.find((device) => device.name === name) ??
          openWgDevice(name, shell, () => lose(name)),
      );
    },
  };
  devices.adopt();
  return devices;
}
