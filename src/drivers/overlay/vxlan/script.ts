/**
 * Makes a bridge for each VM, and the hub that joins them with each other and, by VXLAN, with those at
 * other containers. Cables to the hub are plugged in when the rules are there. What is there and right is left
 * alone: frames flow on while a VM joins.
 */
export const layer2Script = `#!/bin/sh
set -fu

setting() {
  [ ! -e "/proc/sys/net/$1" ] || [ "$(cat "/proc/sys/net/$1")" = "$2" ] || echo "$2" >"/proc/sys/net/$1"
}

there() {
  ip link show dev "$1" >/dev/null 2>&1
}

hub_up() {
  there "$HUB" ||
    ip link add name "$HUB" address "$HUB_MAC" type bridge forward_delay 0 mcast_snooping 0 || return 1
  there "$VXLAN" ||
    ip link add name "$VXLAN" type vxlan id "$VXLAN_VNI" dstport "$VXLAN_PORT" \${VXLAN_LOCAL:+local "$VXLAN_LOCAL"} nolearning || return 1
  for device in "$HUB" "$VXLAN"; do
    setting "ipv6/conf/$device/disable_ipv6" 1
    ip link set dev "$device" alias "$GROUND_MARK" mtu "$GROUND_MTU" || return 1
  done
  [ -e "/sys/class/net/$HUB/brif/$VXLAN" ] || ip link set dev "$VXLAN" master "$HUB" || return 1
  ip link set dev "$VXLAN" type bridge_slave learning off flood off mcast_flood off bcast_flood off &&
    ip link set dev "$HUB" up && ip link set dev "$VXLAN" up
}

bridge_up() {
  there "$1" ||
    ip link add name "$1" address "$GROUND_MAC" type bridge forward_delay 0 mcast_snooping 0 || return 1
  there "$4" || ip link add name "$4" type veth peer name "$5" || return 1
  for device in "$4" "$5"; do setting "ipv6/conf/$device/disable_ipv6" 1; done
  setting "ipv6/conf/$1/disable_ipv6" 0
  setting "ipv6/conf/$1/accept_ra" 0
  ip link set dev "$1" alias "$GROUND_MARK" mtu "$GROUND_MTU" up &&
    ip link set dev "$4" alias "$GROUND_MARK" mtu "$GROUND_MTU" &&
    ip link set dev "$5" mtu "$GROUND_MTU" || return 1
  [ -e "/sys/class/net/$1/brif/$5" ] || ip link set dev "$5" master "$1" || return 1
  [ -e "/sys/class/net/$HUB/brif/$4" ] || ip link set dev "$4" master "$HUB" || return 1
  # It answers who has an address by the table, and floods nothing.
  ip link set dev "$4" type bridge_slave learning off flood off mcast_flood off bcast_flood off proxy_arp on || return 1
  setting "ipv4/conf/$1/forwarding" 0
  ip addr replace "$GROUND_GATEWAY/32" dev "$1" &&
    ip -6 addr replace "$GROUND_ADDRESS6/64" dev "$1" nodad &&
    ip route replace "$3/32" dev "$1" &&
    ip neigh replace "$3" lladdr "$2" dev "$1" nud permanent
}

# What the table no longer has. A VM that moved is replaced.
forget() {
  bridge fdb show dev "$VXLAN" | while read -r mac rest; do
    case "$rest" in
      *dst*self*) ;;
      *) continue ;;
    esac
    grep -q "^fdb replace $mac dev $VXLAN " forwarding && continue
    bridge fdb del "$mac" dev "$VXLAN" self
    bridge fdb del "$mac" dev "$VXLAN" master
  done
  ip neigh show dev "$HUB" nud permanent | while read -r address rest; do
    grep -q "^neigh replace $address " neighbours || ip neigh del "$address" dev "$HUB"
  done
}

ip route replace unreachable "$GROUND_NETWORK" || exit 1
hub_up || exit 1
while read -r bridge mac address hub_end vm_end; do
  bridge_up "$bridge" "$mac" "$address" "$hub_end" "$vm_end" || exit 1
done <edges
nft -f rules.nft || exit 1
bridge -batch forwarding && ip -batch neighbours || exit 1
forget
while read -r bridge mac address hub_end vm_end; do
  ip link set dev "$vm_end" up && ip link set dev "$hub_end" up || exit 1
done <edges
: >ready
exec sleep infinity
`;
