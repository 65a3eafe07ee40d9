import { Failure } from '../domain/failure.ts';
import { baseRoll } from './base.ts';
import { compilerRoll } from './compiler.ts';
import { homeRoll } from './home.ts';
import { mpiRoll } from './mpi.ts';
import type { ClusterContext, Roll } from './roll.ts';
import { slurmRoll } from './slurm.ts';
import { topologyRoll } from './topology.ts';

/** Every roll there is. */
export const rolls: Roll[] = [baseRoll, slurmRoll, mpiRoll, compilerRoll, homeRoll, topologyRoll];

/** Without these a cluster could not boot, be awaited or be verified. */
export const requiredRolls = ['base', 'slurm', 'mpi'];

/** The cluster's rolls. */
export function rollsOf(context: ClusterContext): Roll[] {
  return checkRolls(context.rolls ?? requiredRolls);
}

/**
 * The rolls of these names, in the order of the list, each once.
 *
 * @throws {Failure} BadInput if one is unknown or a required one is missing.
 */
export function checkRolls(names: string[]): Roll[] {
  const known = rolls.map((roll) => roll.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Failure('BadInput', `roll ${JSON.stringify(unknown)} is unknown`, {
      help: `the rolls are: ${known.join(', ')}`,
    });
  }
  const missing = requiredRolls.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new Failure('BadInput', `a cluster needs the rolls ${missing.join(', ')} too`, {
      help: 'leave `rolls` out to get all that a cluster needs',
    });
  }
  return rolls.filter((roll) => names.includes(roll.name));
}
