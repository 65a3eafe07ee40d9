/**
 * The container's side of its VMs: a bridge per VM, on which the container answers ARP for the whole
 * overlay, and the way to the VM. Started again it leaves what is there as it is.
 */
export const groundScript = `#!/bin/sh
set -fu

setting() {
  [ ! -e "/proc/sys/net/$1" ] || [ "$(cat "/proc/sys/net/$1")" = "$2" ] || echo "$2" >"/proc/sys/net/$1"
}

bridge_up() {
  ip link show dev "$1" >/dev/null 2>&1 ||
    ip link add name "$1" address "$GROUND_MAC" type bridge forward_delay 0 mcast_snooping 0 || return 1
  setting "ipv6/conf/$1/disable_ipv6" 0
  setting "ipv6/conf/$1/accept_ra" 0
  ip link set dev "$1" alias "$GROUND_MARK" mtu "$GROUND_MTU" up || return 1
  setting "ipv4/conf/$1/forwarding" 1
  setting "ipv4/conf/$1/proxy_arp" 1
  setting "ipv4/neigh/$1/proxy_delay" 0
  setting "ipv4/conf/$1/send_redirects" 0
  ip addr replace "$GROUND_GATEWAY/32" dev "$1" &&
    ip -6 addr replace "$GROUND_ADDRESS6/64" dev "$1" nodad &&
    ip route replace "$3/32" dev "$1" &&
    ip neigh replace "$3" lladdr "$2" dev "$1" nud permanent
}

# What has no way yet, or is nobody's, must not leave by the default route.
ip route replace unreachable "$GROUND_NETWORK" || exit 1
while read -r bridge mac address; do
  bridge_up "$bridge" "$mac" "$address" || exit 1
done <edges
# Before the rules are there no VM is heard: they come with the first of its bridges.
nft -f rules.nft || exit 1
: >ready
exec sleep infinity
`;

/**
 * A WireGuard device, by the kernel where it can, else by a program. The device is made first and outlives
 * the program, and so do the routes over it.
 */
export const linkScript = `#!/bin/sh
set -fu

configure() {
  wg setconf "$LINK" "$LINK_CONFIG" || return 1
  ip link set dev "$LINK" alias "$LINK_MARK" mtu "$LINK_MTU" up || return 1
  ip -6 addr replace "$LINK_ADDRESS/128" dev "$LINK" nodad || return 1
  # Without an address of IPv4 rp_filter 2 (below) would drop as 1 does.
  ip addr replace "$LINK_GATEWAY/32" dev "$LINK" || return 1
  echo 1 >"/proc/sys/net/ipv4/conf/$LINK/forwarding"
  # Packets may come by another link than the one by which the answer goes.
  echo 2 >"/proc/sys/net/ipv4/conf/$LINK/rp_filter"
}

if ip link add dev "$LINK" type wireguard 2>/dev/null ||
  ip -d link show dev "$LINK" 2>/dev/null | grep -qw wireguard; then
  configure || exit 1
  exec sleep infinity
fi

ip link show dev "$LINK" >/dev/null 2>&1 ||
  ip tuntap add dev "$LINK" mode tun vnet_hdr || exit 1
: >log
# It ends with this script, also when that is killed: it would hold the device.
WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error setpriv --pdeathsig KILL wireguard-go -f "$LINK" >>log 2>&1 &
program=$!
trap 'kill -TERM "$program"; wait "$program"; exit 0' TERM
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  wg show "$LINK" >/dev/null 2>&1 && break
  kill -0 "$program" || exit 1
  sleep 0.1
done
configure || { kill -TERM "$program"; exit 1; }
wait "$program"
`;

/** Answers DHCP on the VMs' bridges. */
export const dhcpScript = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
exec dnsmasq --keep-in-foreground --conf-file=dnsmasq.conf >log 2>&1
`;

/** Chooses the ways to the other containers. */
export const pathsScript = `#!/bin/sh
exec "$NODE" "$PROGRAM" keep-paths "$PATHS_DIRECTORY" >/dev/null 2>>log
`;
