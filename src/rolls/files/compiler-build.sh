# What mpicc asks for, and the compiler that it calls.
lib=usr/lib/x86_64-linux-gnu
mkdir -p /$lib/openmpi/include /$lib/openmpi/lib
cp tools/$lib/openmpi/include/mpi*.h /$lib/openmpi/include/
ln -s ../../libmpi.so.40 /$lib/openmpi/lib/libmpi.so
sed -i 's/^compiler=.*/compiler=tcc/' /usr/share/openmpi/mpicc-wrapper-data.txt
