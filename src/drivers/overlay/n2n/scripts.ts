/**
 * An edge and its tap. The tap is given the VM's MAC, since n2n reads its own from there; once n2n has
 * read it (it then gives up root) the tap gets another one and no address, or the bridge would
 * keep for itself what is for the VM.
 */
export const edgeScript = `#!/bin/sh
set -fu

# An edge whose script was killed still holds the tap. Its number may be another program's by now.
if [ -r edge.pid ]; then
  old=$(cat edge.pid)
  if tr '\\0' ' ' <"/proc/$old/cmdline" 2>/dev/null | grep -qF -- " -d $EDGE_TAP "; then
    kill -KILL "$old"
    while [ -e "/proc/$old/fd/0" ]; do sleep 0.1; done
  fi
fi

finish() {
  trap '' TERM
  kill -TERM "$edge"
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$edge" 2>/dev/null || break
    sleep 0.1
  done
  # Only now may the tap go: an edge that has lost its tap does not listen to TERM.
  kill -KILL "$edge" 2>/dev/null
  wait "$edge"
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
  exit "$1"
}

bridge_up() {
  ip link show dev "$EDGE_BRIDGE" >/dev/null 2>&1 ||
    ip link add name "$EDGE_BRIDGE" type bridge forward_delay 0 mcast_snooping 0 || return 1
  [ ! -e "/proc/sys/net/ipv6/conf/$EDGE_BRIDGE/disable_ipv6" ] ||
    echo 1 >"/proc/sys/net/ipv6/conf/$EDGE_BRIDGE/disable_ipv6"
  ip link set dev "$EDGE_BRIDGE" alias "$EDGE_MARK" mtu "$EDGE_MTU" up
}

tap_up() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    grep -q "^Uid:[[:space:]]*$EDGE_UID[[:space:]]" "/proc/$edge/status" && break
    kill -0 "$edge" || return 1
    sleep 0.1
  done
  ip addr flush dev "$EDGE_TAP" || return 1
  [ ! -e "/proc/sys/net/ipv6/conf/$EDGE_TAP/disable_ipv6" ] ||
    echo 1 >"/proc/sys/net/ipv6/conf/$EDGE_TAP/disable_ipv6"
  ip link set dev "$EDGE_TAP" alias "$EDGE_MARK" address "$EDGE_TAP_MAC" mtu "$EDGE_MTU" \\
    master "$EDGE_BRIDGE" up
}

# Notes that the supernode has answered, and keeps the log short. Ends with the edge, also when the
# script was killed. (A zombie still has a process id, but no files.)
# An edge that got no answer asks again after a minute only: one that is started anew asks at once.
watch_log() {
  waited=0
  while [ -e "/proc/$edge/fd/0" ]; do
    [ -e registered ] || ! grep -qE 'REGISTER_ACK from remote|\\[OK\\] edge' log || : >registered
    [ "$(wc -c <log)" -lt 1000000 ] || : >log
    if [ -e registered ]; then
      sleep 5
    else
      [ "$waited" -lt 6 ] || kill -KILL "$edge"
      waited=$((waited + 1))
      sleep 0.5
    fi
  done
}

rm -f registered
: >log
watcher=
nft -f rules.nft && bridge_up || exit 1
# Group first: n2n 1.3 gives up its account before its group, and then cannot.
setpriv --regid "$EDGE_UID" --clear-groups "$EDGE_PROGRAM" $EDGE_ARGS >>log 2>&1 &
edge=$!
echo "$edge" >edge.pid
trap 'finish 0' TERM
tap_up || finish 1
watch_log &
watcher=$!
wait "$edge"
finish 1
`;

/** The firewall's rules need root, the supernode does not. */
export const supernodeScript = `#!/bin/sh
set -fu
[ ! -s rules.nft ] || nft -f rules.nft || exit 1
exec setpriv --reuid "$SUPERNODE_UID" --regid "$SUPERNODE_UID" --clear-groups \\
  "$SUPERNODE_PROGRAM" $SUPERNODE_ARGS >/dev/null 2>&1
`;
