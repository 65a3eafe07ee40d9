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

function forbidden(message: string, cause: unknown): Failure {
  return new Failure('Forbidden', message, {
    cause,
    help: 'run the script of `mvc site prepare` at this host as its administrator',
  });
}
