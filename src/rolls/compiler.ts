import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Roll } from './roll.ts';

/** Enough to compile C and MPI in the cluster. A compiler that optimizes is 100 MB, on each upload. */
export const compilerRoll: Roll = {
  name: 'compiler',
  summary: 'a small C compiler, tcc, and mpicc over it',
  packages: ['tcc', 'libc6-dev'],
  accounts: [],
  image: [],
  build: {
    // Its headers only: the package asks for Fortran.
    tools: ['libopenmpi-dev'],
    script: readFileSync(join(import.meta.dirname, 'files/compiler-build.sh'), 'utf8'),
  },
  services: { frontend: [], compute: [] },
  masked: [],
  frontendFiles: () => [],
  nodeListFiles: () => [],
  computeFiles: () => [],
};
