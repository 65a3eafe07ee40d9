import type { Failure, FailureKind } from './failure.ts';
import { groundTools, linkTools } from './plan-routed.ts';
import { isFrontendToo, type HostFacts, type LibvirtSite } from './site.ts';
import type { SiteVerbOutput } from './site-verbs.ts';

export const checkNames = [
  'ssh',
  'sudo',
  'program',
  'clock',
  'policy',
  'bridge',
  'forwarding',
  'packages',
  'overlay',
  'libvirt',
  'kvm',
  'pool',
  'udp',
] as const;

/** One thing that was tried at one host. */
export interface Check {
  site: string;
  host: string;
  check: (typeof checkNames)[number];
  /** `note`: works, but a person should know. `skipped`: could not be tried, see the others. */
  state: 'ok' | 'note' | 'mend' | 'skipped';
  found: string;
  /** What to do; only with `mend` and `note`. */
  mend?: string;
}
export type Finding = Omit<Check, 'site' | 'host'>;

/** The scheduler's credentials are refused at five minutes; certificates and logs suffer before. */
const maxSkewMs = 30_000;
/** The node image, and the disk of one frontend VM. */
const minPoolMiB = 6 * 1024;
const runScriptAgain =
  'its administrator runs the script of `mvc site prepare` there again, as root';
const forwardForGood =
  'sysctl -w net.ipv4.ip_forward=1 && echo net.ipv4.ip_forward=1 > /etc/sysctl.d/60-mvc.conf';
const checkTheWay = 'check address and port, and that sshd runs there and lets us through';
const askForKey =
  'ask its administrator for `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`; ' +
  'if that is what the host shows now, `mvc site keys -f <its file>` takes it over';

/** Why a host could not be asked at all, as the check that it failed. */
export function checkOfFailure(failure: Failure): Finding {
  const mend = (check: Finding['check'], help: string): Finding => ({
    check,
    state: 'mend',
    found: failure.message,
    mend: failure.help ?? help,
  });
  const byKind: Partial<Record<FailureKind, Finding>> = {
    Unreachable: mend('ssh', checkTheWay),
    Timeout: mend('ssh', checkTheWay),
    HostKeyChanged: mend('ssh', askForKey),
    AccessDenied: mend('ssh', runScriptAgain),
    // It was prepared as another host.
    Conflict: mend('policy', runScriptAgain),
    // An older program does not know the question.
    BadInput: mend('program', runScriptAgain),
    Protocol: mend('program', runScriptAgain),
  };
  return byKind[failure.kind] ?? mend('sudo', runScriptAgain);
}

/** What this installation expects of a host. */
export interface WantedHost {
  /** Milliseconds since 1970, at the middle of the question. */
  clockMs: number;
  programDigest: string;
  udpPorts: { first: number; last: number };
  /** Only of a physical frontend: whether it hands on to other machines what arrives at it. */
  handsOn?: boolean;
}

export function checksOfHost(answer: SiteVerbOutput<'host.check'>, wanted: WantedHost): Finding[] {
  return [
    { check: 'ssh', state: 'ok', found: 'answers with the right host key, accepts our key' },
    answer.programDigest === wanted.programDigest
      ? { check: 'program', state: 'ok', found: 'mvc-site is of this version, sudo lets it run' }
      : {
          check: 'program',
          state: 'mend',
          found: 'mvc-site is of another version',
          mend: runScriptAgain,
        },
    clockCheck(answer.clockMs - wanted.clockMs),
    portsCheck(answer.udpPorts, wanted.udpPorts),
    ...bridgeChecks(answer),
    ...forwardingChecks(answer, wanted),
  ];
}

function clockCheck(skewMs: number): Finding {
  const found = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(skewMs) <= maxSkewMs
    ? { check: 'clock', state: 'ok', found }
    : {
        check: 'clock',
        state: 'mend',
        found,
        mend: 'as root there (and here, if this one is wrong): apt-get install chrony',
      };
}

function portsCheck(
  allowed: { first: number; last: number },
  wanted: { first: number; last: number },
): Finding {
  const found = `allows UDP ${allowed.first}–${allowed.last}`;
  if (allowed.first <= wanted.first && wanted.last <= allowed.last)
    return { check: 'policy', state: 'ok', found };
  return {
    check: 'policy',
    state: 'mend',
    found: `${found}, but the site’s file says ${wanted.first}–${wanted.last}`,
    mend: 'make udpPorts in the site’s file and in /etc/mvc/policy.json there the same',
  };
}

function bridgeChecks(answer: SiteVerbOutput<'host.check'>): Finding[] {
  const missing = answer.missingBridges.map((name): Finding => {
    return {
      check: 'bridge',
      state: 'mend',
      found: `there is no bridge ${name}`,
      mend: `make a bridge ${name} into the site’s network there, or name the right one in the site’s file`,
    };
  });
  const forbidden = answer.forbiddenBridges.map((name): Finding => {
    return {
      check: 'bridge',
      state: 'mend',
      found: `the policy does not let VMs join ${name}`,
      mend: `add "${name}" to siteBridges in /etc/mvc/policy.json there`,
    };
  });
  return [...missing, ...forbidden];
}

/** Whether a physical frontend has VM containers behind it that datagrams from outside are for. */
export function handsOn({
  frontend,
  containers,
}: Pick<LibvirtSite, 'frontend' | 'containers'>): boolean {
  return frontend.inbound && containers.some((each) => !isFrontendToo({ frontend }, each));
}

function forwardingChecks(
  { forwardsIpv4 }: SiteVerbOutput<'host.check'>,
  wanted: WantedHost,
): Finding[] {
  if (forwardsIpv4 === undefined || wanted.handsOn === undefined) return [];
  if (forwardsIpv4) return [{ check: 'forwarding', state: 'ok', found: 'forwards IPv4' }];
  if (!wanted.handsOn) {
    const found = 'forwards no IPv4, and nothing is to be handed on';
    return [{ check: 'forwarding', state: 'ok', found }];
  }
  return [
    {
      check: 'forwarding',
      state: 'mend',
      found: 'forwards no IPv4: what arrives for its VM containers is dropped',
      mend: `as root there: ${forwardForGood}; or, where no UDP arrives from outside, say \`inbound: false\` in \`frontend\` of the site’s file`,
    },
  ];
}

/** What the host said of its programs, its libvirt and its pool. */
export function checksOfFacts({ missing, tools, capacity }: HostFacts): Finding[] {
  const packages = [...new Set(missing.map((each) => each.package))].join(' ');
  const first: Finding =
    packages === ''
      ? { check: 'packages', state: 'ok', found: 'all are there' }
      : {
          check: 'packages',
          state: 'mend',
          found: `missing: ${missing.map((each) => each.tool).join(', ')}`,
          mend: `as root there: apt-get install --no-install-recommends ${packages}`,
        };
  if (!capacity) return [first];
  return [first, checkOfOverlay(tools), ...checksOfCapacity(tools, capacity)];
}

/** Which overlays clusters may have there. */
function checkOfOverlay(tools: HostFacts['tools']): Finding {
  const missing = [...linkTools, ...groundTools].filter(({ tool }) => tools[tool] === undefined);
  const n2n = tools['n2n'] === undefined ? [] : [`n2n ${tools['n2n']}`];
  if (missing.length === 0) {
    const routed = `routed and vxlan by WireGuard (${tools['wireguard']})`;
    return { check: 'overlay', state: 'ok', found: [routed, ...n2n].join('; ') };
  }
  return {
    check: 'overlay',
    state: n2n.length > 0 ? 'note' : 'mend',
    found: `${n2n.length > 0 ? 'only n2n' : 'none'}: for routed and vxlan there is no ${missing.map(({ tool }) => tool).join(', ')}`,
    mend: `install there ${missing.map((each) => each.package).join(', ')}`,
  };
}

function checksOfCapacity(
  tools: HostFacts['tools'],
  capacity: NonNullable<HostFacts['capacity']>,
): Finding[] {
  const freeMiB = capacity.memoryMiB - capacity.committedMiB;
  const freeCpus = capacity.cpus - capacity.committedCpus;
  const pool = `${(capacity.poolFreeMiB / 1024).toFixed(1)} GiB free`;
  return [
    {
      check: 'libvirt',
      state: 'ok',
      found: `virsh ${tools['virsh'] ?? '?'}; ${freeCpus} cpus and ${freeMiB} MiB not given to VMs`,
    },
    capacity.virtualization === 'kvm'
      ? { check: 'kvm', state: 'ok', found: 'a guest was seen to run under it' }
      : {
          check: 'kvm',
          state: 'note',
          found: 'no guest ran under it; VMs will be emulated, many times slower',
          mend: 'switch virtualization on in the firmware; `ls -l /dev/kvm` shows it',
        },
    capacity.poolFreeMiB >= minPoolMiB
      ? { check: 'pool', state: 'ok', found: pool }
      : {
          check: 'pool',
          state: 'mend',
          found: `${pool}, ${minPoolMiB / 1024} GiB are needed`,
          mend: 'make room, or let `pool` in /etc/mvc/policy.json name a directory on a bigger disk',
        },
  ];
}

/** What came of one host's datagrams to a site's public address. */
export function udpCheck(trial: {
  to: string;
  address: string;
  port: number;
  heard: boolean;
  answered: boolean;
  rttMs?: number | undefined;
}): Finding {
  const there = `${trial.to} (${trial.address}, UDP ${trial.port})`;
  if (trial.answered) {
    const found = `to ${there} and back in ${(trial.rttMs ?? 0).toFixed(1)} ms`;
    return { check: 'udp', state: 'ok', found };
  }
  return trial.heard
    ? {
        check: 'udp',
        state: 'mend',
        found: `reaches ${there}, but no answer comes back`,
        mend: 'let answers to outgoing UDP in at this host’s site (its firewall or NAT)',
      }
    : {
        check: 'udp',
        state: 'mend',
        found: `does not reach ${there}`,
        mend: `open the site’s UDP ports from anywhere at ${trial.to}’s physical frontend (and forward them to it where it is behind NAT), and let UDP out at this host’s site`,
      };
}
