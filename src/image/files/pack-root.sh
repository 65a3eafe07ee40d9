#!/bin/sh
# mmdebstrap's last hook, outside of the root: $1 is the root, $2 the directory of this build.
set -eu
root=$1
build=$2

mkdir "$root/mvc-build"
# Again: packages may have written their own in the meantime.
while IFS= read -r account; do
  grep -q "^$account:" "$root/etc/passwd" || { echo "a package changed the account $account" >&2; exit 1; }
done < "$build/accounts"
tar -C "$root" --numeric-owner -xf "$build/static.tar"
chroot "$root" /bin/sh -s < "$build/in-root.sh"
cp -r "$root/mvc-build/out/." "$build/out/"
rm -rf "$root/mvc-build"

rm -rf "$root/var/lib/apt/lists/"* "$root/var/cache/apt/"* "$root/var/log/"*.log "$root/var/log/apt" \
  "$root/usr/share/doc" "$root/usr/share/man" "$root/etc/resolv.conf" "$root/etc/hostname" "$root"/etc/ssh/ssh_host_* \
  "$root/etc/munge/munge.key" "$root/var/lib/dbus/machine-id"
: > "$root/etc/machine-id"
: > "$root/etc/fstab"
mksquashfs "$root" "$build/out/root.squashfs" -comp zstd -Xcompression-level 3 -b 256K \
  -mkfs-time 0 -no-progress -quiet -wildcards -e 'proc/*' 'sys/*' 'dev/*' 'run/*' 'tmp/*' boot
