import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { namespaceOf } from './plan.ts';
import { run, succeeds } from './run.ts';

export async function ensureNamespace(id: string, name: string): Promise<void> {
  const namespace = namespaceOf(id, name);
  const up = ['ip', '-n', namespace, 'link', 'set', 'lo', 'up'] as const;
  if (namespaceExists(id, name)) {
    if (await succeeds(id, up)) return;
    // Only the file of a name, left by a making that broke off.
    await run(id, ['ip', 'netns', 'del', namespace]);
  }
  await run(id, ['ip', 'netns', 'add', namespace]);
  await run(id, up);
  // The WAN's switches hand packets on by datagram sockets: with the usual queue of ten, bursts are lost.
  await inNamespace(id, namespace, ['sysctl', '-qw', 'net.unix.max_dgram_qlen=2000']);
}

export function namespaceExists(id: string, name: string): boolean {
  return existsSync(`/run/netns/${namespaceOf(id, name)}`);
}

export async function linkNames(id: string, namespace: string): Promise<string[]> {
  const links = JSON.parse(await run(id, ['ip', '-j', '-n', namespace, 'link'])) as {
    ifname: string;
  }[];
  return links.map((link) => link.ifname);
}

export async function ipBatch(id: string, namespace: string, lines: string[]): Promise<void> {
  await run(id, ['ip', '-n', namespace, '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

/** Takes from an interface every IPv4 address but one, for example the one that it had before. */
export async function keepOnlyAddress(
  id: string,
  namespace: string,
  device: string,
  address: string,
): Promise<void> {
  const show = ['ip', '-j', '-4', '-n', namespace, 'addr', 'show', 'dev', device] as const;
  const [link] = JSON.parse(await run(id, show)) as {
    addr_info?: { local: string; prefixlen: number }[];
  }[];
  const found = (link?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  const lines = found
    .filter((each) => each !== address)
    .map((each) => `addr del ${each} dev ${device}`);
  if (lines.length > 0) await ipBatch(id, namespace, lines);
}

export async function inNamespace(
  id: string,
  namespace: string,
  argv: [string, ...string[]],
  stdin = '',
): Promise<void> {
  await run(id, ['nsenter', `--net=/run/netns/${namespace}`, ...argv], { stdin });
}

/** A hardware address that stays the same whenever the interface is made anew. */
export function macOf(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return ['06', ...(digest.slice(0, 10).match(/../g) ?? [])].join(':');
}
