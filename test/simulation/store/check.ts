import type * as realBuilds from '../../../src/store/builds.ts';
import type * as realChanges from '../../../src/store/changes.ts';
import type * as realClusters from '../../../src/store/clusters.ts';
import type * as realLedger from '../../../src/store/ledger.ts';
import type * as realOverlays from '../../../src/store/overlays.ts';
import type * as realSecrets from '../../../src/store/secrets.ts';
import type * as realSites from '../../../src/store/sites.ts';
import type * as realTransaction from '../../../src/store/transaction.ts';
import type * as realVms from '../../../src/store/vms.ts';
import * as builds from './builds.ts';
import * as changes from './changes.ts';
import * as clusters from './clusters.ts';
import * as ledger from './ledger.ts';
import * as overlays from './overlays.ts';
import * as secrets from './secrets.ts';
import * as sites from './sites.ts';
import * as transaction from './transaction.ts';
import * as vms from './vms.ts';

/** Read by the compiler alone: what stands for the store has the store's own types. */
type Like<Real, Ours> = Pick<Real, keyof Real & keyof Ours>;

export const checked: [
  Like<typeof realBuilds, typeof builds>,
  Like<typeof realChanges, typeof changes>,
  Like<typeof realClusters, typeof clusters>,
  Like<typeof realLedger, typeof ledger>,
  Like<typeof realOverlays, typeof overlays>,
  Like<typeof realSecrets, typeof secrets>,
  Like<typeof realSites, typeof sites>,
  Like<typeof realTransaction, typeof transaction>,
  Like<typeof realVms, typeof vms>,
] = [builds, changes, clusters, ledger, overlays, secrets, sites, transaction, vms];
