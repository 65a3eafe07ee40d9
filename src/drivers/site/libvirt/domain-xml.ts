import type { VmDefinition } from '../../../domain/vm.ts';
import { domainUuid } from '../domain-uuid.ts';
import { renderMark, type DomainMark } from './domain-mark.ts';
import { imageFile, vmFiles } from './vm-files.ts';
import { element, renderXml, type XmlElement } from './xml.ts';

/** MiB of translated code that QEMU keeps per VM; its own choice is a quarter of the VM's memory or more. */
const translationCacheMiB = 128;

/**
 * The domain of a VM. The frontend boots from its site's copy of the image. A compute boots by PXE:
 * the image is its second choice only because SeaBIOS sets up no virtio disk without a boot order.
 */
export function renderDomain(
  pool: string,
  virtualization: 'kvm' | 'tcg',
  vm: VmDefinition,
  mark: DomainMark,
): string {
  const files = vmFiles(pool, mark.mark, vm.name);
  const frontend = vm.role === 'frontend';
  const kvm = virtualization === 'kvm';
  return renderXml(
    element(
      'domain',
      { type: kvm ? 'kvm' : 'qemu' },
      element('name', {}, vm.domain),
      element('uuid', {}, domainUuid(mark.mark, vm.name)),
      element('metadata', {}, renderMark(mark, 'mvc:')),
      element('memory', { unit: 'MiB' }, String(vm.memoryMiB)),
      element('vcpu', {}, String(vm.cpus)),
      element('os', {}, element('type', { arch: 'x86_64', machine: 'pc' }, 'hvm')),
      element('features', {}, element('acpi'), kvm ? undefined : translationCache()),
      kvm
        ? element('cpu', { mode: 'host-passthrough' })
        : element('cpu', { mode: 'custom' }, element('model', {}, 'qemu64')),
      element('clock', { offset: 'utc' }),
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      element('on_crash', {}, 'destroy'),
      element(
        'devices',
        {},
        disk('vda', 'bundle', imageFile(pool, vm.image), { bootOrder: frontend ? 1 : 2 }),
        disk('vdb', 'seed', files.seed),
        frontend ? disk('vdc', 'data', files.data, { writable: true }) : undefined,
        overlayInterface(vm),
        siteInterface(vm),
        element(
          'serial',
          { type: 'file' },
          element('source', { path: files.console, append: 'on' }),
          element('target', { port: 0 }),
        ),
        element(
          'channel',
          { type: 'unix' },
          element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
        ),
        element('controller', { type: 'usb', model: 'none' }),
        element('memballoon', { model: 'virtio' }, element('stats', { period: 5 })),
        element(
          'rng',
          { model: 'virtio' },
          element('backend', { model: 'random' }, '/dev/urandom'),
        ),
      ),
    ),
  );
}

function translationCache(): XmlElement {
  return element('tcg', {}, element('tb-cache', { unit: 'MiB' }, String(translationCacheMiB)));
}

function disk(
  target: string,
  serial: string,
  file: string,
  options: { bootOrder?: number; writable?: boolean } = {},
): XmlElement {
  return element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: 'raw' }),
    element('source', { file }),
    element('target', { dev: target, bus: 'virtio' }),
    options.writable ? undefined : element('readonly'),
    element('serial', {}, serial),
    options.bootOrder === undefined ? undefined : element('boot', { order: options.bootOrder }),
  );
}

function overlayInterface(vm: VmDefinition): XmlElement {
  return element(
    'interface',
    { type: 'bridge' },
    element('mac', { address: vm.mac }),
    element('source', { bridge: vm.bridge }),
    element('model', { type: 'virtio' }),
    element('mtu', { size: vm.mtu }),
    vm.role === 'compute' ? element('boot', { order: 1 }) : element('rom', { enabled: 'no' }),
  );
}

function siteInterface(vm: VmDefinition): XmlElement | undefined {
  if (!vm.siteInterface) return undefined;
  return element(
    'interface',
    { type: 'bridge' },
    element('mac', { address: vm.siteInterface.mac }),
    element('source', { bridge: vm.siteInterface.bridge }),
    element('model', { type: 'virtio' }),
    element('rom', { enabled: 'no' }),
  );
}
