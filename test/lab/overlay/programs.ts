import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleMvcSite } from '../../../src/site/bundle.ts';
import type { TestHost } from './hosts.ts';

/** Where the WireGuard program is. */
export const tools = join(import.meta.dirname, '../../../.tools');

/** Services of this process run `mvc-site` instead of the test. @returns directory of it, to be removed. */
export async function becomeMvcSite(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'mvc-site-'));
  process.argv[1] = join(directory, 'mvc-site');
  writeFileSync(process.argv[1], await bundleMvcSite());
  return directory;
}

export interface Program {
  pid: number;
  /** `wireguard-go` with its device, `dnsmasq` or `keep-paths`. */
  name: string;
}

/** The programs of a routed overlay that run at the host. */
export async function programsAt(host: TestHost): Promise<Program[]> {
  const all = (await host.pids()).map((pid) => ({ pid: Number(pid), argv: argvOf(pid) }));
  return all.flatMap(({ pid, argv }) => {
    const [program = '', ...args] = argv;
    if (/(^|\/)wireguard-go$/.test(program)) return [{ pid, name: `wireguard-go ${args.at(-1)}` }];
    if (/(^|\/)dnsmasq$/.test(program)) return [{ pid, name: 'dnsmasq' }];
    return args.includes('keep-paths') ? [{ pid, name: 'keep-paths' }] : [];
  });
}

/** Empty for a process that has ended meanwhile. */
function argvOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
