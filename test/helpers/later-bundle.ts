import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { bundlePath } from '../../src/workers/workflow-bundle.ts';

const workflowsPath = join(import.meta.dirname, '..', 'services', 'fixtures', 'later-workflows.ts');

/** Bundles workflows that cannot go on with today's histories; answers with the bundle's path. */
export async function bundleLaterWorkflows(directory: string, version: string): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const path = bundlePath(directory, version);
  await writeFile(path, code);
  return path;
}
