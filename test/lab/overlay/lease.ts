import { createLocalShell } from '../../../src/transport/local-shell.ts';

/** What DHCP gives a VM; nothing is set there. */
export async function leaseOf(vm: string): Promise<string> {
  const script = 'echo "ip=$ip mtu=$mtu boot=$boot_file server=$siaddr router=$router"';
  // The program calls a file with an event's name.
  const inside = `f=$(mktemp); printf '#!/bin/sh\\n[ "$1" != bound ] || %s\\n' '${script}' >$f; chmod +x $f
    busybox udhcpc -i eth0 -s $f -n -q -f -O mtu -O bootfile -t 5 -T 1; rm $f`;
  const { stdout } = await createLocalShell().run(['ip', 'netns', 'exec', vm, 'sh', '-c', inside]);
  return stdout.trim();
}
