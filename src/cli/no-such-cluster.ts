import { Failure } from '../domain/failure.ts';

/** @param engineSilent why the engine could not be asked for a build that has no record yet. */
export function noSuchCluster(name: string, engineSilent?: string): Failure {
  if (engineSilent === undefined) {
    return new Failure('NotFound', `there is no cluster ${name}`, {
      help: '`mvc list` shows the clusters',
    });
  }
  return new Failure('NotFound', `no cluster ${name} is recorded`, {
    help: `whether a build of it runs could not be asked: ${engineSilent}`,
  });
}
