import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';

/**
 * Reads a secret from the file that a variable of the environment names. Only the path stands in
 * the environment: values there are shown by container engines and inherited by every child.
 *
 * @throws {Failure} BadInput if the file cannot be read or holds nothing.
 */
export async function readSecretFile(variable: string, file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure('BadInput', `the file ${file} cannot be read: ${codeOf(error)}`, {
      help: `${variable} must name a file that you may read`,
      cause: error,
    });
  }
  const secret = text.trim();
  if (secret !== '') return secret;
  throw new Failure('BadInput', `the file ${file} is empty`, {
    help: `${variable} must name the file that holds the secret, on one line`,
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
