# Compiles the program that measures bandwidth, as the roll `mpi` does its own.
lib=usr/lib/x86_64-linux-gnu
tools/usr/bin/tcc -Btools/$lib/tcc -nostdlib \
  -Itools/$lib/openmpi/include -Itools/usr/include -Itools/usr/include/x86_64-linux-gnu \
  -o /usr/lib/mvc/bandwidth tools/$lib/crt1.o tools/$lib/crti.o /usr/share/mvc/bandwidth.c \
  /$lib/libmpi.so.40 /$lib/libc.so.6 tools/$lib/libc_nonshared.a tools/$lib/tcc/libtcc1.a tools/$lib/crtn.o
