import { z } from 'zod';
import { Failure } from '../../../../domain/failure.ts';
import type { Shell } from '../../../../transport/shell.ts';

const routeSchema = z.object({
  dst: z.string(),
  dev: z.string().optional(),
  protocol: z.string().optional(),
});

/** Routes to single addresses: address → device. */
export type HostRoutes = Map<string, string>;

const toolMs = 5000;

/** Those over these devices that the kernel did not make itself. */
export function parseRoutes(json: string, devices: string[]): HostRoutes {
  const routes = z.array(routeSchema).parse(JSON.parse(json.trim() || '[]'));
  return new Map(
    routes.flatMap(({ dst, dev, protocol }) =>
      dev !== undefined &&
      devices.includes(dev) &&
      protocol !== 'kernel' &&
      !/\/(?!32$|128$)/.test(dst)
        ? [[dst.replace(/\/.*/, ''), dev] as const]
        : [],
    ),
  );
}

/** Lines for `ip -batch`: only what differs. */
export function renderRoutes(have: HostRoutes, want: HostRoutes): string[] {
  const length = (address: string) => (address.includes(':') ? 128 : 32);
  return [
    ...[...want].flatMap(([address, device]) =>
      have.get(address) === device
        ? []
        : [`route replace ${address}/${length(address)} dev ${device}`],
    ),
    ...[...have].flatMap(([address, device]) =>
      want.has(address) ? [] : [`route del ${address}/${length(address)} dev ${device}`],
    ),
  ];
}

export async function readRoutes(shell: Shell, devices: string[]): Promise<HostRoutes> {
  const both = await Promise.all(
    (['-4', '-6'] as const).map(async (family) => {
      const argv = ['ip', family, '-json', 'route', 'show', 'table', 'main'] as const;
      const { exitCode, stdout, stderr } = await shell.run(argv, { timeoutMs: toolMs });
      if (exitCode !== 0) throw new Failure('CommandFailed', `ip route: ${stderr.trim()}`);
      return [...parseRoutes(stdout, devices)];
    }),
  );
  return new Map(both.flat());
}

/** Replaces and removes; one line that fails does not keep back the others. @throws {Failure} CommandFailed. */
export async function applyRoutes(shell: Shell, lines: string[]): Promise<void> {
  for (const family of ['-4', '-6']) {
    const own = lines.filter((line) => line.includes(':') === (family === '-6'));
    if (own.length === 0) continue;
    const argv = ['ip', family, '-force', '-batch', '-'] as const;
    const stdin = `${own.join('\n')}\n`;
    const { exitCode, stderr } = await shell.run(argv, { stdin, timeoutMs: toolMs });
    if (exitCode !== 0) throw new Failure('CommandFailed', `ip route: ${stderr.trim()}`);
  }
}
