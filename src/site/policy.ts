import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';
import { hostPolicySchema, type HostPolicy } from '../domain/site-verbs.ts';

/** @throws {Failure} Forbidden if the host's administrator has set no valid policy. */
export async function readPolicy(file: string): Promise<HostPolicy> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw forbidden(`this host has no policy (${file} cannot be read)`, error);
  }
  try {
    return hostPolicySchema.parse(JSON.parse(text));
  } catch (error) {
    throw forbidden(`this host's policy ${file} is not valid`, error);
  }
}

/**
 * The policy of this machine as the host that a question is for: one machine may be the physical frontend
 * and a VM container. Without a name it is the host that the policy names first.
 *
 * @throws {Failure} Conflict if the machine is not that host.
 */
export function policyAs(policy: HostPolicy, host: string = policy.host): HostPolicy {
  if (host === policy.host || host === policy.container) return { ...policy, host };
  const names = [policy.host, ...(policy.container === undefined ? [] : [policy.container])];
  throw new Failure('Conflict', `this machine is ${names.join(' and ')}, not ${host}`, {
    help: 'correct the address in the site’s file, or run this host’s own script there',
  });
}

function forbidden(message: string, cause: unknown): Failure {
  return new Failure('Forbidden', message, {
    cause,
    help: 'run the script of `mvc site prepare` at this host as its administrator',
  });
}
