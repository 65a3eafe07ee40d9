import { z } from 'zod';
import { clusterNameSchema, vmNameSchema } from '../domain/names.ts';
import type { ConsoleText } from '../domain/results.ts';
import { atSiteSoon, control } from './activities.ts';
import { parseWorkflowInput, workflowFailure } from './failures.ts';

const inputSchema = z.strictObject({
  cluster: clusterNameSchema,
  vm: vmNameSchema,
  /** How much of its end; it passes through the engine's history, so little. */
  bytes: z.int().min(1).max(65_536).default(16_384),
});

/** Reads the end of a VM's serial console at its site. Changes nothing. */
export async function readConsole(input: unknown): Promise<ConsoleText> {
  const { cluster, vm, bytes } = parseWorkflowInput(inputSchema, input);
  try {
    const { site, operation, container } = await control.locateVm({ cluster, vm });
    const asked = { site, operation, container, vm, bytes };
    const text = await atSiteSoon(site.name).readConsole(asked);
    return { site: site.name, container, text };
  } catch (error) {
    throw workflowFailure(error);
  }
}
