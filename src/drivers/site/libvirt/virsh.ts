import { Failure } from '../../../domain/failure.ts';
import type { Shell } from '../../../transport/shell.ts';

const defaultTimeoutMs = 30_000;

/**
 * Runs one command of virsh at the system's libvirtd and returns what it printed.
 *
 * @throws {Failure} MissingTool, Timeout (libvirtd or a job lock hangs), or CommandFailed with virsh's words.
 */
export type Virsh = (args: string[], options?: { timeoutMs?: number }) => Promise<string>;

export function createVirsh(shell: Shell): Virsh {
  return async (args, options = {}) => {
    const { exitCode, stdout, stderr } = await shell.run(
      ['virsh', '--connect', 'qemu:///system', '--quiet', ...args],
      { timeoutMs: options.timeoutMs ?? defaultTimeoutMs, env: { LC_ALL: 'C' } },
    );
    if (exitCode === 0) return stdout;
    const said = (stderr || stdout).trim().split('\n').slice(-3).join(' ').slice(0, 1000);
    const away = /connect to the hypervisor|connect socket/.test(said);
    throw new Failure(
      'CommandFailed',
      `virsh ${args[0]} failed: ${said || `status ${exitCode}`}`,
      away ? { help: 'start libvirtd at that VM container' } : {},
    );
  };
}
