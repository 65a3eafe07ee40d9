import { existsSync } from 'node:fs';
import { Failure } from '../../../../domain/failure.ts';
import type { Shell } from '../../../../transport/shell.ts';
import { connectUapi, type UapiConnection } from './uapi-connection.ts';
import { parseUapi, renderUapi, type WgChange } from './uapi.ts';
import type { WgDump } from './wg-peer.ts';
import { parseWgDump, renderWgSet, runWg } from './wg-tool.ts';

/** A WireGuard device, in the kernel or in user space. */
export interface WgDevice {
  readonly name: string;
  /** The last dump. */
  readonly last: WgDump | undefined;
  /**
   * A fresh look; the same as before where a look is dear and nothing has passed.
   *
   * @param packets counter of the interface, to tell whether something has.
   * @throws {Failure} if the device is not there.
   */
  dump(packets: number, now: number): Promise<WgDump>;
  change(change: WgChange, pskFile: string | undefined): Promise<void>;
  close(): void;
}

/** A program is started to look at a device in the kernel: without traffic it is rare. */
const rareMs = 2000;

/** @param onLost the program behind the device has ended. */
export function openWgDevice(name: string, shell: Shell, onLost: () => void): WgDevice {
  const path = `/var/run/wireguard/${name}.sock`;
  let connection: UapiConnection | undefined;
  let last: WgDump | undefined;
  let looked = { packets: -1, at: -Infinity };

  async function connected(): Promise<UapiConnection> {
    connection ??= await connectUapi(path, () => {
      connection = undefined;
      onLost();
    });
    return connection;
  }

  async function dumpByTool(packets: number, now: number): Promise<WgDump> {
    if (last && packets === looked.packets && now - looked.at < rareMs) return last;
    looked = { packets, at: now };
    return parseWgDump(await runWg(shell, ['wg', 'show', name, 'dump']));
  }

  return {
    name,
    get last() {
      return last;
    },
    async dump(packets, now) {
      last = existsSync(path)
        ? parseUapi(await (await connected()).ask('get=1\n\n'))
        : await dumpByTool(packets, now);
      return last;
    },
    async change(change, pskFile) {
      if (change.renew?.allowed.length === 0)
        throw new Failure('BadInput', `${name}: no addresses`);
      if (existsSync(path)) await (await connected()).ask(renderUapi(change));
      else await runWg(shell, renderWgSet(name, change, pskFile));
      // The next look must be a real one.
      looked = { packets: -1, at: -Infinity };
    },
    close: () => connection?.close(),
  };
}
