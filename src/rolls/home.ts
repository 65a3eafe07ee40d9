import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFiles } from './image-files.ts';
import { renderEnvironment } from './environment.ts';
import type { Roll } from './roll.ts';
import { directory, file, link } from './tar.ts';

/** Of the root's own, and in `/home`, so that it is kept with the homes and seen by every node. */
const accountsDirectory = 'home/.mvc';

/**
 * One /home on all nodes, by NFS 4 from the frontend's data disk over the overlay, and in it the
 * accounts: whoever is added there has the same number everywhere at once.
 */
export const homeRoll: Roll = {
  name: 'home',
  summary: 'one /home on all nodes, and accounts that are the same everywhere',
  packages: [
    'libnss-extrausers',
    // What the server's programs are linked with.
    'libevent-core-2.1-7',
    'libsqlite3-0',
    'libtirpc3',
    'libwrap0',
    'netbase',
  ],
  accounts: [],
  image: [
    directory('var/lib/nfs'),
    directory('var/lib/nfs/nfsdcld', { mode: 0o700 }),
    ...['etab', 'rmtab'].map((name) => file(`var/lib/nfs/${name}`, '')),
    link('var/lib/extrausers', `/${accountsDirectory}`),
    ...imageFiles('home'),
  ],
  build: {
    // Only their programs: the packages bring Python and rpcbind, of which NFS 4 needs nothing.
    tools: ['nfs-kernel-server', 'nfs-common'],
    script: readFileSync(join(import.meta.dirname, 'files/home-build.sh'), 'utf8'),
  },
  modules: ['nfsd', 'nfsv4'],
  services: { frontend: ['mvc-home-export'], compute: ['mvc-home'] },
  masked: [],
  // The root of what is exported is /home itself: the root below it, an overlay, cannot be.
  frontendFiles: ({ network }) => [
    file('etc/exports', `/home ${network}(fsid=0,rw,sync,no_subtree_check,root_squash,sec=sys)\n`),
  ],
  nodeListFiles: () => [],
  computeFiles: ({ frontend }) => [
    file('etc/mvc/home.env', renderEnvironment({ SERVER: frontend.address })),
  ],
};
