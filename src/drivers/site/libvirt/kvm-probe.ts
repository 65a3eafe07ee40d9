import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import { writeDurably } from '../../../transport/durable-file.ts';
import type { Shell } from '../../../transport/shell.ts';

/**
 * A boot sector that writes 0x10 to port 0xf4, where QEMU's debug exit device sits, and halts:
 * mov al,0x10; out 0xf4,al; hlt; jmp to the hlt.
 */
const program = Buffer.from([0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd]);
/** QEMU ends with the written value shifted left by one, and the last bit set. */
const expectedExit = (0x10 << 1) | 1;
const guestSeconds = 6;

/**
 * Whether KVM runs a guest here to its end. The device alone proves nothing: it may be there and
 * hang. The answer is kept in the pool until the host boots again.
 */
export async function probeVirtualization(shell: Shell, pool: string): Promise<'kvm' | 'tcg'> {
  if (!(await isThere('/dev/kvm'))) return 'tcg';
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const cache = join(pool, 'virtualization');
  const [knownBoot, known] = (await readFile(cache, 'utf8').catch(orNothing)).trim().split(' ');
  if (knownBoot === bootId && (known === 'kvm' || known === 'tcg')) return known;
  const found = (await runsGuest(shell, 'kvm')) ? 'kvm' : 'tcg';
  // On a full disk it is found out again the next time.
  await writeDurably(cache, `${bootId} ${found}\n`).catch(() => undefined);
  return found;
}

/** Runs the boot sector under this accelerator of QEMU. */
export async function runsGuest(shell: Shell, accelerator: 'kvm' | 'tcg'): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'mvc-kvm-'));
  try {
    const sector = Buffer.alloc(512);
    program.copy(sector);
    sector.writeUInt16LE(0xaa55, 510);
    const disk = join(directory, 'boot.img');
    await writeFile(disk, sector);
    const { exitCode } = await shell.run(
      [
        'timeout',
        '-k',
        '1',
        String(guestSeconds),
        'qemu-system-x86_64',
        '-nodefaults',
        '-no-user-config',
        '-display',
        'none',
        '-machine',
        `pc,accel=${accelerator}`,
        '-m',
        '16',
        '-no-reboot',
        '-device',
        'isa-debug-exit,iobase=0xf4,iosize=0x04',
        '-drive',
        `file=${disk},format=raw,if=ide,readonly=off`,
      ],
      { timeoutMs: (guestSeconds + 2) * 1000 },
    );
    return exitCode === expectedExit;
  } catch (error) {
    // A process that hangs inside the kernel outlives even SIGKILL: that is an answer, too.
    if (error instanceof Failure && ['Timeout', 'CommandFailed'].includes(error.kind)) return false;
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function orNothing(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
  throw error;
}
