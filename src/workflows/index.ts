/** The workflows that the engine loads; their names are what people and programs start. */
export { buildCluster } from './build-cluster.ts';
export { buildSite } from './build-site.ts';
export { repairCluster, scaleCluster, startCluster, stopCluster } from './change-cluster.ts';
export { readConsole } from './console.ts';
export { destroyCluster } from './destroy-cluster.ts';
export { destroySite } from './destroy-site.ts';
export { clusterPaths } from './paths.ts';
export { reconcileSites } from './reconcile-sites.ts';
export { registerSite, removeSite, updateSite } from './register-site.ts';
export { previewCluster, takeInventory } from './survey.ts';
export { sweepSites } from './sweep-sites.ts';
export { clusterTopology } from './topology.ts';
export { manageUsers } from './users.ts';
export { watchCluster } from './watch-cluster.ts';
