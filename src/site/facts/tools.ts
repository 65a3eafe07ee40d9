import { Failure } from '../../domain/failure.ts';
import type { Shell } from '../../transport/shell.ts';

type Role = 'physicalFrontend' | 'vmContainer';

interface Tool {
  /** Key in the facts. */
  name: string;
  /** Prints the version; some programs do so with a non-zero status. */
  argv: [string, ...string[]];
  version: RegExp;
  /** The Debian package that has it. */
  package: string;
  roles: Role[];
  /** False: only some overlays need it, and their plan says so. */
  needed?: false;
}

const everywhere: Role[] = ['physicalFrontend', 'vmContainer'];
const containers: Role[] = ['vmContainer'];
const n2nVersion = /n2n v\.?\s*(\d+\.\d+(?:\.\d+)*)/;

const tools: Tool[] = [
  tool('node', ['/usr/bin/node', '--version'], /v(\d+\.\d+\.\d+)/, 'nodejs', everywhere),
  tool('ip', ['ip', '-V'], /iproute2-([\w.]+)/, 'iproute2', everywhere),
  tool('flock', ['flock', '--version'], /(\d+\.\d+(?:\.\d+)?)/, 'util-linux', everywhere),
  forOverlay('n2n', ['supernode', '-h'], n2nVersion, 'n2n', ['physicalFrontend']),
  forOverlay('n2n', ['edge', '-h'], n2nVersion, 'n2n', containers),
  tool('nft', ['nft', '--version'], /v(\d+\.\d+\.\d+)/, 'nftables', everywhere),
  tool('curl', ['curl', '--version'], /curl (\d+\.\d+\.\d+)/, 'curl', containers),
  forOverlay('wg', ['wg', '--version'], /v(\S+)/, 'wireguard-tools', containers),
  forOverlay('dnsmasq', ['dnsmasq', '--version'], /version (\S+)/, 'dnsmasq-base', containers),
  tool('virsh', ['virsh', '--version'], /(\d+\.\d+\.\d+)/, 'libvirt-clients', containers),
  tool(
    'qemu',
    ['qemu-system-x86_64', '--version'],
    /version (\d+\.\d+\.\d+)/,
    'qemu-system-x86',
    containers,
  ),
  tool('qemu-img', ['qemu-img', '--version'], /version (\d+\.\d+\.\d+)/, 'qemu-utils', containers),
  tool('mke2fs', ['mke2fs', '-V'], /mke2fs (\d+\.\d+(?:\.\d+)?)/, 'e2fsprogs', containers),
];

/** Without it a VM's network card has nothing to boot with. A file: it has no version to ask for. */
const bootRom = { tool: 'ipxe', path: '/usr/lib/ipxe/qemu/pxe-virtio.rom', package: 'ipxe-qemu' };

const runit = tool('runit', ['sv'], /runit (\S+)/, 'runit', everywhere);

/** Versions of the programs that a host of this role needs, and which of them are missing. */
export async function surveyTools(
  shell: Shell,
  role: Role,
  supervisor: 'systemd' | 'runit',
): Promise<{ tools: Record<string, string>; missing: { tool: string; package: string }[] }> {
  const wanted = [...tools, ...(supervisor === 'runit' ? [runit] : [])].filter((each) =>
    each.roles.includes(role),
  );
  const found = await Promise.all(wanted.map((each) => findVersion(shell, each)));
  const present = wanted.flatMap((each, index) => {
    const version = found[index];
    return version === undefined ? [] : [[each.name, version]];
  });
  return {
    tools: Object.fromEntries([
      ...present,
      ...(role === 'vmContainer' ? await wireguard(shell) : []),
      ['supervisor', supervisor],
    ]),
    missing: [
      ...wanted
        .filter((each, index) => found[index] === undefined && each.needed !== false)
        .map((each) => ({ tool: each.name, package: each.package })),
      ...(role === 'vmContainer' ? await missingBootRom(shell) : []),
    ],
  };
}

/** The kernel's own where it has it, else the program: that is slower, and as good. */
async function wireguard(shell: Shell): Promise<[string, string][]> {
  const { exitCode } = await shell.run(
    ['sh', '-c', 'test -d /sys/module/wireguard || modinfo wireguard >/dev/null 2>&1'],
    { timeoutMs: 10_000 },
  );
  if (exitCode === 0) return [['wireguard', 'kernel']];
  const argv: Tool['argv'] = ['wireguard-go', '--version'];
  const version = await findVersion(
    shell,
    forOverlay('wireguard', argv, /wireguard-go v?(\S+)/, '', containers),
  );
  return version === undefined ? [] : [['wireguard', version]];
}

async function missingBootRom(shell: Shell): Promise<{ tool: string; package: string }[]> {
  const { exitCode } = await shell.run(['test', '-r', bootRom.path], { timeoutMs: 10_000 });
  return exitCode === 0 ? [] : [{ tool: bootRom.tool, package: bootRom.package }];
}

/** Its version, `unknown` if it prints none that we can read, undefined if it is not there. */
async function findVersion(shell: Shell, wanted: Tool): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await shell.run(wanted.argv, { timeoutMs: 10_000 });
    return wanted.version.exec(stdout + stderr)?.[1] ?? 'unknown';
  } catch (error) {
    if (error instanceof Failure && error.kind === 'MissingTool') return undefined;
    throw error;
  }
}

function forOverlay(...of: Parameters<typeof tool>): Tool {
  return { ...tool(...of), needed: false };
}

function tool(
  name: string,
  argv: [string, ...string[]],
  version: RegExp,
  packageName: string,
  roles: Role[],
): Tool {
  return { name, argv, version, package: packageName, roles };
}
