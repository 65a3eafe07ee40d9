import { type ClusterUser, usersRequestSchema } from '../domain/users.ts';
import { atSiteSoon } from './activities.ts';
import { parseWorkflowInput, workflowFailure } from './failures.ts';
import { runningFrontend } from './running-frontend.ts';

/** Adds or removes a user of a cluster that runs, if asked to. @returns the users that there are then. */
export async function manageUsers(input: unknown): Promise<ClusterUser[]> {
  const { name, change } = parseWorkflowInput(usersRequestSchema, input);
  try {
    const { frontend } = await runningFrontend(name);
    const at = atSiteSoon(frontend.site.name);
    if (change) await at.changeUser({ frontend, change });
    return await at.listUsers({ frontend });
  } catch (error) {
    throw workflowFailure(error);
  }
}
