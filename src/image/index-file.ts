import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure, toFailure } from '../domain/failure.ts';
import type { ImageRef } from '../domain/image.ts';
import { digestSchema } from '../domain/names.ts';

/** Recipe → the image that was built from it. */
const indexSchema = z.record(
  digestSchema,
  z.strictObject({ digest: digestSchema, size: z.int().min(1) }),
);

/** The image of a recipe, if it was built before and its file is still whole. */
export async function findBuilt(directory: string, recipe: string): Promise<ImageRef | undefined> {
  const found = (await readIndex(directory))[recipe];
  if (!found) return undefined;
  const path = join(directory, `${found.digest}.img`);
  const size = await stat(path).then(
    (file) => file.size,
    () => undefined,
  );
  return size === found.size ? { ...found, path } : undefined;
}

/** Called by the one that holds the build's lock. */
export async function recordBuilt(
  directory: string,
  recipe: string,
  { digest, size }: ImageRef,
): Promise<void> {
  const index = { ...(await readIndex(directory)), [recipe]: { digest, size } };
  const path = join(directory, 'index.json');
  await writeFile(`${path}.new`, `${JSON.stringify(index, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
}

async function readIndex(directory: string): Promise<z.infer<typeof indexSchema>> {
  const path = join(directory, 'index.json');
  try {
    return indexSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Failure('BadInput', `${path} cannot be read: ${toFailure(error).message}`, {
      help: 'remove it: the images will be built anew',
      cause: error,
    });
  }
}
