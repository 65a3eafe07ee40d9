import {
  pathsConfigSchema,
  type PathsConfig,
} from '../../../../src/drivers/overlay/routed/paths/config.ts';

/** A table for tests: container n has the VM 10.77.0.n; relays can be reached from outside. */
export function configOf(
  self: number,
  plan: { relays: number[]; others: number[]; lan?: number[] },
): PathsConfig {
  return pathsConfigSchema.parse({
    version: 1,
    self,
    prefix6: 'fd42:1:2',
    mtu: 1420,
    direct: { device: 'w-d', port: 51820 },
    relays: plan.relays.map((number, index) => ({
      number,
      device: `w-r${index}`,
      endpoint: { address: `198.51.100.${number}`, port: 51830 + index },
      tcpPort: 51840,
    })),
    peers: plan.others.map((number) => ({
      number,
      publicKey: keyOf(number),
      name: `site-${number}/c${number}`,
      addresses: [`10.77.0.${number}`],
      ...(plan.relays.includes(number)
        ? { publicEndpoint: { address: `198.51.100.${number}`, port: 51820 } }
        : {}),
      ...(plan.lan?.includes(number)
        ? { lanEndpoint: { address: `192.168.10.${number}`, port: 51820 } }
        : {}),
    })),
  });
}

export function keyOf(number: number): string {
  return Buffer.alloc(32, number).toString('base64');
}
