import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFiles } from './image-files.ts';
import type { Roll } from './roll.ts';
import { link } from './tar.ts';

/** MPI over the overlay, started by the scheduler, and the program that proves the cluster. */
export const mpiRoll: Roll = {
  name: 'mpi',
  summary: 'Open MPI, pinned to the overlay; the verify program',
  packages: ['openmpi-bin'],
  accounts: [],
  image: [
    // Slurm's plugin opens the name that only the development package has.
    link('usr/lib/x86_64-linux-gnu/pmix2/lib/libpmix.so', 'libpmix.so.2'),
    ...imageFiles('mpi'),
  ],
  build: {
    // A compiler of 300 KB instead of one of 100 MB.
    tools: ['tcc', 'libc6-dev', 'libopenmpi-dev'],
    script: readFileSync(join(import.meta.dirname, 'files/mpi-build.sh'), 'utf8'),
  },
  services: { frontend: [], compute: [] },
  masked: [],
  frontendFiles: () => [],
  nodeListFiles: () => [],
  computeFiles: () => [],
};
