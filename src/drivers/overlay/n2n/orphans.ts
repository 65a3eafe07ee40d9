import type { Shell } from '../../../transport/shell.ts';

/**
 * Kills edges of these taps that nobody supervises any more (their script was killed). They are known by
 * their arguments, never by their program's name alone.
 */
export async function killOrphans(shell: Shell, taps: string[]): Promise<void> {
  if (taps.length === 0) return;
  const { stdout } = await shell.run(['ps', '-e', '-o', 'pid=,args=']);
  const pids = stdout.split('\n').flatMap((line) => {
    const [pid, ...args] = line.trim().split(/\s+/);
    const at = args.indexOf('-d');
    const tap = at < 0 ? undefined : args[at + 1];
    return pid && /(?:^|\/)edge$/.test(args[0] ?? '') && tap && taps.includes(tap) ? [pid] : [];
  });
  if (pids.length > 0) await shell.run(['kill', '-KILL', ...pids]);
}
