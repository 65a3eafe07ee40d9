import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSshKey } from '../transport/ssh-key.ts';
import { ensureHome, type Home } from './home.ts';
import { ensureFile } from '../transport/durable-file.ts';

/** The private key with which `mvc ssh` enters the frontend VMs of this installation's clusters. */
export function userKeyFile(home: Home): string {
  return join(home.secrets, 'user-key');
}

/** Its public half, as a line of authorized_keys. The pair is made at the first call. */
export async function userPublicKey(home: Home): Promise<string> {
  await ensureHome(home);
  const pair = await ensureFile(`${userKeyFile(home)}.json`, () =>
    Buffer.from(JSON.stringify(generateSshKey('mvc-user'))),
  );
  const { privateKey, publicKey } = JSON.parse(pair.toString('utf8')) as {
    privateKey: string;
    publicKey: string;
  };
  // ssh wants the private half in a file of its own.
  await writeFile(userKeyFile(home), privateKey, { mode: 0o600 });
  return publicKey;
}
