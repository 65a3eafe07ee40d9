import { join } from 'node:path';
import { Failure } from '../../domain/failure.ts';
import type { SiteVerbOutput } from '../../domain/site-verbs.ts';
import { ownProgram } from '../../transport/own-program.ts';
import type { Host } from '../host.ts';
import { createImageFetches } from '../images/fetch-image.ts';
import { createImageStore } from '../images/image-store.ts';
import type { VerbCall } from '../verb-handler.ts';

/** Nobody: the image server has no business with any other file. */
const serverAccount = 65_534;

export async function imageState(
  { shell, policy }: Host,
  { input }: VerbCall<'image.state'>,
): Promise<SiteVerbOutput<'image.state'>> {
  const store = createImageStore(policy.pool);
  const { fetching, error } = await createImageFetches(shell, policy.pool).state(input.digest);
  // Asked last: a fetch that ended a moment ago must not look like one that stopped.
  const complete = await store.isComplete(input.digest);
  const chunks = complete ? [] : await store.chunks(input.digest);
  return { complete, chunks, fetching, ...(error && !complete ? { error } : {}) };
}

export async function imageChunk({ policy }: Host, call: VerbCall<'image.chunk'>) {
  const bytes = await call.readBody(call.input.length);
  await createImageStore(policy.pool).putChunk(call.input, bytes);
  return {};
}

export async function imageFinish({ policy }: Host, { input }: VerbCall<'image.finish'>) {
  await createImageStore(policy.pool).finish(input.digest, input.size);
  return {};
}

export async function imageServe(host: Host, { input }: VerbCall<'image.serve'>) {
  const { first, last } = host.policy.udpPorts;
  if (input.port < first || input.port > last) {
    throw new Failure('Forbidden', `port ${input.port} is not between ${first} and ${last}`, {
      help: 'let the site’s registered `udpPorts` agree with its hosts’ policy',
    });
  }
  await host.supervisor.ensure([
    {
      name: 'mvc-images',
      script: imageServerScript,
      env: {
        NODE: process.execPath,
        PROGRAM: ownProgram(),
        IMAGES_UID: String(serverAccount),
        IMAGES_ADDRESS: input.address,
        IMAGES_PORT: String(input.port),
        IMAGES_DIRECTORY: join(host.policy.pool, 'images'),
      },
    },
  ]);
  return {};
}

const imageServerScript = `#!/bin/sh
cd /
exec setpriv --reuid "$IMAGES_UID" --regid "$IMAGES_UID" --clear-groups "$NODE" "$PROGRAM" \\
  serve-images "$IMAGES_ADDRESS" "$IMAGES_PORT" "$IMAGES_DIRECTORY" >/dev/null 2>&1
`;

export async function imageFetch({ shell, policy }: Host, { input }: VerbCall<'image.fetch'>) {
  if (await createImageStore(policy.pool).isComplete(input.digest)) return {};
  await createImageFetches(shell, policy.pool).start(input);
  return {};
}
