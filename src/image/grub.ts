import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

const platform = '/usr/lib/grub/i386-pc';

const modules = [
  'biosdisk',
  'boot',
  'linux',
  'part_msdos',
  'search',
  'search_fs_file',
  'serial',
  'squash4',
  'terminal',
];

const kernelOptions = 'console=ttyS0 net.ifnames=0 quiet mitigations=off no_timer_check';

/** How a VM came to its kernel. A compute goes on only if it came by the network. */
const ways = {
  disk: 'mvc.boot=disk',
  // The frontend's router advertisement is for iPXE alone.
  network: 'mvc.boot=network ipv6.disable=1',
} as const;

/**
 * GRUB in the first mebibyte of the disk, from its first sector on.
 *
 * @param work a directory for files in between.
 */
export async function renderDiskGrub(work: string, signal?: AbortSignal): Promise<Buffer> {
  const boot = await readFile(join(platform, 'boot.img'));
  return Buffer.concat([boot, await core(work, 'disk', signal)]);
}

/** GRUB as iPXE starts it: like a Linux kernel. It takes all else from the VM's disk. */
export async function renderNetworkGrub(work: string, signal?: AbortSignal): Promise<Buffer> {
  const loader = await readFile(join(platform, 'lnxboot.img'));
  return Buffer.concat([loader, await core(work, 'network', signal)]);
}

async function core(work: string, way: keyof typeof ways, signal?: AbortSignal): Promise<Buffer> {
  const config = join(work, `grub-${way}.cfg`);
  const image = join(work, `grub-${way}.img`);
  // Without VGA, GRUB has no terminal but the serial one.
  const lines = [
    'serial --unit=0 --speed=115200',
    'terminal_output serial',
    'search --no-floppy --set=root --file /vmlinuz',
    `linux /vmlinuz ${kernelOptions} ${ways[way]}`,
    'initrd /initrd',
    'boot',
  ];
  await writeFile(config, lines.map((line) => `${line}\n`).join(''));
  await run(
    ['grub-mkimage', '-O', 'i386-pc', '-p', '/', '-c', config, '-o', image, ...modules],
    signal ? { signal } : {},
  );
  return readFile(image);
}
