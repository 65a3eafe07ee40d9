import { describe, expect, it } from 'vitest';
import { Failure } from '../../../../src/domain/failure.ts';
import { runsGuest } from '../../../../src/drivers/site/libvirt/kvm-probe.ts';
import type { Shell } from '../../../../src/transport/shell.ts';

const shellThat = (run: Shell['run']): Shell => ({ run });
const ending = (exitCode: number) => shellThat(async () => ({ exitCode, stdout: '', stderr: '' }));

describe('the probe for KVM', () => {
  it('believes a guest that ran to its end, and nothing else', async () => {
    expect(await runsGuest(ending(33), 'kvm')).toBe(true);
    expect(await runsGuest(ending(0), 'kvm')).toBe(false);
    expect(await runsGuest(ending(1), 'kvm')).toBe(false);
    expect(await runsGuest(ending(124), 'kvm')).toBe(false);
  });

  it('takes a QEMU that cannot even be killed for no KVM', async () => {
    const hanging = shellThat(async () => {
      throw new Failure('Timeout', 'it did not end');
    });
    expect(await runsGuest(hanging, 'kvm')).toBe(false);
  });

  it('does not hide that QEMU is missing', async () => {
    const without = shellThat(async () => {
      throw new Failure('MissingTool', 'not installed');
    });
    await expect(runsGuest(without, 'kvm')).rejects.toMatchObject({ kind: 'MissingTool' });
  });
});
