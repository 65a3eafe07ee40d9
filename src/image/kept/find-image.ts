import type { ImageRef } from '../../domain/image.ts';
import { checkRolls } from '../../rolls/rolls.ts';
import { findBuilt } from '../index-file.ts';
import { readRecipe } from '../recipe.ts';

/**
 * The node image of these rolls, if it was built already. In a folder of its own: a file beside those that
 * build would be part of the recipe.
 *
 * @throws {Failure} BadInput for unknown rolls.
 */
export async function findNodeImage(
  directory: string,
  rolls: string[],
): Promise<ImageRef | undefined> {
  const recipe = await readRecipe(checkRolls(rolls));
  return findBuilt(directory, recipe.digest);
}
