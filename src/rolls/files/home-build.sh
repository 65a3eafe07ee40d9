# Takes the programs of the NFS server, and no more, out of Debian's packages.
for program in exportfs rpc.mountd rpc.nfsd nfsdcld; do
  cp "tools/usr/sbin/$program" /usr/sbin/
done
