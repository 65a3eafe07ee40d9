import { ApplicationFailure, CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import { siteWorkflowId } from '../domain/engine-names.ts';
import { siteNameSchema } from '../domain/names.ts';
import { siteSchema, type SiteFacts } from '../domain/site.ts';
import { atSiteSoon, control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';

/** Records a site if all its hosts answer and have what they need; otherwise nothing is recorded. */
export async function registerSite(input: unknown): Promise<SiteFacts> {
  const site = parseWorkflowInput(siteSchema, input);
  requireSiteWorkflowId(site.name);
  try {
    await control.recordPendingSite({ site });
  } catch (error) {
    throw workflowFailure(error);
  }
  try {
    const facts = await atSiteSoon(site.name).describeSite({ site });
    await control.confirmSite({ facts });
    return facts;
  } catch (error) {
    await CancellationScope.nonCancellable(() => forget(site.name));
    throw workflowFailure(error);
  }
}

/**
 * Gives a registered site a new definition (address, host keys, containers) if all its hosts answer
 * under it; otherwise the old one stays.
 */
export async function updateSite(input: unknown): Promise<SiteFacts> {
  const site = parseWorkflowInput(siteSchema, input);
  requireSiteWorkflowId(site.name);
  try {
    await control.loadSites({ names: [site.name] });
    const facts = await atSiteSoon(site.name).describeSite({ site });
    await control.replaceSite({ site, facts });
    return facts;
  } catch (error) {
    throw workflowFailure(error);
  }
}

/** What keeps the record of a site that did not answer must not hide why it did not. */
async function forget(name: string): Promise<void> {
  try {
    await control.removeSite({ name });
  } catch (error) {
    log.warn('the site could not be forgotten', { error: messageOf(error) });
  }
}

/** Forgets a site that no cluster uses. */
export async function removeSite(input: unknown): Promise<void> {
  const { name } = parseWorkflowInput(z.strictObject({ name: siteNameSchema }), input);
  requireSiteWorkflowId(name);
  try {
    await control.removeSite({ name });
  } catch (error) {
    throw workflowFailure(error);
  }
}

function requireSiteWorkflowId(site: string): void {
  const wanted = siteWorkflowId(site);
  if (workflowInfo().workflowId !== wanted) {
    throw ApplicationFailure.nonRetryable(
      `operations on site ${site} must run under the id ${wanted}`,
      'BadInput',
    );
  }
}
