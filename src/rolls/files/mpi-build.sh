# Compiles the MPI program against the image's own libraries. tcc finds no crt files of another
# place than its own, so they are named.
lib=usr/lib/x86_64-linux-gnu
tools/usr/bin/tcc -Btools/$lib/tcc -nostdlib \
  -Itools/$lib/openmpi/include -Itools/usr/include -Itools/usr/include/x86_64-linux-gnu \
  -o /usr/lib/mvc/ring tools/$lib/crt1.o tools/$lib/crti.o /usr/share/mvc/ring.c \
  /$lib/libmpi.so.40 /$lib/libc.so.6 tools/$lib/libc_nonshared.a tools/$lib/tcc/libtcc1.a tools/$lib/crtn.o
