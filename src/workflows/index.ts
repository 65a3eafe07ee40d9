/** The workflows that the engine loads; their names are what people and programs start. */
export { buildCluster } from './build-cluster.ts';
export { buildSite } from './build-site.ts';
export { destroyCluster } from './destroy-cluster.ts';
export { destroySite } from './destroy-site.ts';
export { registerSite, removeSite, updateSite } from './register-site.ts';
export { previewCluster, takeInventory } from './survey.ts';
