import { describe, expect, it } from 'vitest';
import { Failure } from '../../../src/domain/failure.ts';
import { surveyTools } from '../../../src/site/facts/tools.ts';
import type { Shell } from '../../../src/transport/shell.ts';

const rom = '/usr/lib/ipxe/qemu/pxe-virtio.rom';

/** A host that has every program and file but these. */
function hostWithout(...absent: string[]): Shell {
  return {
    async run([program, ...args]) {
      if (absent.includes(program)) throw new Failure('MissingTool', `${program} is not there`);
      const stderr = program === 'mke2fs' ? 'mke2fs 1.47.0 (5-Feb-2023)\n' : '';
      const isAbsentFile = program === 'test' && absent.includes(args.at(-1) ?? '');
      return { exitCode: isAbsentFile ? 1 : 0, stdout: '', stderr };
    },
  };
}

describe('the survey of tools', () => {
  it('misses nothing at a host that has everything', async () => {
    for (const role of ['vmContainer', 'physicalFrontend'] as const) {
      expect((await surveyTools(hostWithout(), role, 'runit')).missing).toEqual([]);
    }
  });

  it('names what makes and boots the disks of VMs when a VM container lacks it', async () => {
    const { missing } = await surveyTools(hostWithout('mke2fs', rom), 'vmContainer', 'systemd');
    expect(missing).toEqual([
      { tool: 'mke2fs', package: 'e2fsprogs' },
      { tool: 'ipxe', package: 'ipxe-qemu' },
    ]);
  });

  it('asks a physical frontend for nothing that only VMs need', async () => {
    const bare = hostWithout('mke2fs', rom, 'virsh', 'qemu-system-x86_64', 'qemu-img');
    expect((await surveyTools(bare, 'physicalFrontend', 'systemd')).missing).toEqual([]);
  });

  it('reads the version of a program that prints it among its errors', async () => {
    const { tools } = await surveyTools(hostWithout(), 'vmContainer', 'systemd');
    expect(tools['mke2fs']).toBe('1.47.0');
  });
});
