#!/bin/bash
# The first process of a lab machine, in namespaces of its own. It gives the machine private copies of
# whatever a host's administrator or our programs may change, then starts the machine's services.
# Values come by the environment: LAB_NAME, LAB_DIR (kept over reboots), LAB_KVM.
set -eu

# The directory is reached through /mnt, since mounts below may hide its path.
mount --bind "$LAB_DIR" /mnt
first_boot=no
[ -e /mnt/installed ] || first_boot=yes

# own DIR: an empty directory of the machine instead of the real host's.
own() {
  mkdir -p "/mnt/own$1"
  if [ -d "$1" ]; then mount --bind "/mnt/own$1" "$1"; fi
}

# layer DIR [PART…]: the real host's directory, changed only in the machine's own layer. Where the file
# system cannot carry such a layer, a copy of it, or of the parts that a machine needs.
layer() {
  local dir=$1; shift
  mkdir -p "/mnt/layer$dir/upper" "/mnt/layer$dir/work"
  if [ ! -e "/mnt/copy$dir" ] && mount -t overlay overlay \
    -o "lowerdir=$dir,upperdir=/mnt/layer$dir/upper,workdir=/mnt/layer$dir/work" "$dir" 2> /dev/null; then
    return
  fi
  if [ ! -e "/mnt/copy$dir" ]; then
    mkdir -p "/mnt/copy$dir.part"
    if [ $# -eq 0 ]; then cp -a "$dir/." "/mnt/copy$dir.part/"; fi
    local part
    for part in "$@"; do [ ! -e "$dir/$part" ] || cp -a "$dir/$part" "/mnt/copy$dir.part/"; done
    mv "/mnt/copy$dir.part" "/mnt/copy$dir"
  fi
  mount --bind "/mnt/copy$dir" "$dir"
}

layer /etc
layer /usr/local bin sbin etc
layer /var/lib dpkg
if [ $first_boot = yes ]; then
  # Nothing of what the real host itself may have of ours, of its ssh or of its VMs.
  rm -rf /etc/mvc /usr/local/lib/mvc /etc/sudoers.d/mvc /etc/service /etc/libvirt/qemu \
    /etc/ssh/sshd_config.d /etc/ssh/ssh_host_* /var/lib/mvc /var/lib/libvirt
  mkdir -p /etc/service /etc/libvirt/qemu/networks /etc/ssh/sshd_config.d /var/lib/mvc /var/lib/libvirt
  cp -a /mnt/files/etc/. /etc/
  tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
fi
# Big files lie in plain directories, not in a layer.
own /var/lib/mvc
own /var/lib/libvirt
own /var/log
own /var/cache
own /var/spool
own /var/tmp
own /srv
mkdir -p /var/log/libvirt /var/cache/libvirt
chmod 1777 /mnt/own/var/tmp
chmod 711 /mnt/own/var/lib/mvc
touch /mnt/installed

own /home
own /root
chmod 700 /root

umount /mnt
# A fresh view of the machine's own network interfaces; it also hides the cgroups, so that several libvirtd
# do not meet in one.
umount -R -l /sys && mount -t sysfs sysfs /sys
umount -R -l /run 2> /dev/null || true
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock /run/libvirt /run/sudo
mount -t tmpfs -o mode=1777 tmpfs /tmp

# A /dev of its own: no disks, and /dev/kvm only where it is known to work.
mount -t tmpfs -o mode=755,size=1m tmpfs /mnt
for device in null zero full random urandom tty; do cp -a "/dev/$device" /mnt/; done
mkdir /mnt/net /mnt/pts /mnt/shm
mknod -m 666 /mnt/net/tun c 10 200
[ "${LAB_KVM:-}" != 1 ] || cp -a /dev/kvm /mnt/
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /mnt/pts
mount -t tmpfs -o mode=1777 tmpfs /mnt/shm
ln -s pts/ptmx /mnt/ptmx
ln -s /proc/self/fd /mnt/fd
ln -s fd/0 /mnt/stdin
ln -s fd/1 /mnt/stdout
ln -s fd/2 /mnt/stderr
mount --move /mnt /dev

# Whatever of the real host is still in sight can only be read: its files, and what its kernel has set
# beyond the machine's own network.
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys

hostname "$LAB_NAME"
cd /
# What the services do later must not carry what was meant for this script.
unset LAB_DIR LAB_KVM
runsvdir -P /etc/service > /var/log/runsvdir.log 2>&1 < /dev/null &
touch /run/lab-machine

# Reaps what the services leave behind. (A shell does so at once; runsvdir only every few seconds.)
while :; do
  sleep 3600 &
  wait $! || true
done
