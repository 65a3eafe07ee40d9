# Runs in the image's root while it is built, after the packages. Work is done in /mvc-build.
set -eu
cd /mvc-build

# The kernel is only unpacked: no first stage of Debian's, no boot loader. Its modules stay outside of
# the root, apart from those that the first stage or a service loads.
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')
apt-get -qq -o APT::Sandbox::User=root download $kernel $(cat tools.list)
dpkg-deb -x linux-image-*.deb kernel
rm linux-image-*.deb
for package in *.deb; do
  [ -e "$package" ] && dpkg-deb -x "$package" tools && rm "$package"
done

version=$(ls kernel/lib/modules)
depmod -b kernel "$version"
mkdir -p out/modules
cp "kernel/boot/vmlinuz-$version" out/vmlinuz
# modules LIST MODULE...: copies them with what they need, and lists them in the order to load.
modules() {
  list=$1
  shift
  for module; do
    modprobe -d kernel -S "$version" --show-depends "$module"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > paths
  while read -r path; do
    [ -e "out/modules/${path##*/}" ] && continue
    cp "$path" out/modules/
    echo "${path##*/}"
  done < paths > "out/modules/$list"
}
modules all virtio_pci virtio_net virtio_blk virtio_console virtio_rng virtio_balloon squashfs overlay
modules frontend crc32c_generic ext4
cp /bin/busybox out/busybox

# Those that services load stay in the root, where modprobe finds them.
for module in $(cat modules.list); do
  modprobe -d kernel -S "$version" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u > paths
while read -r path; do
  install -D -m 644 "$path" "/lib/${path#*kernel/lib/}"
done < paths
if [ -s paths ]; then
  cp "kernel/lib/modules/$version/modules.order" "kernel/lib/modules/$version/modules.builtin" "/lib/modules/$version/"
  depmod "$version"
fi

for script in *.build; do
  [ -e "$script" ] && sh -eu "$script"
done
