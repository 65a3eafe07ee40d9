import { mvcHome } from '../installation/home.ts';
import { checkAlive, workerNames } from '../installation/workers.ts';

/** `check-alive.ts control-worker`: ends with 0 if the worker of this MVC_HOME does its work. */
const worker = workerNames.find((name) => name === process.argv[2]);
try {
  if (worker === undefined) throw new Error(`name one of ${workerNames.join(', ')}`);
  await checkAlive(mvcHome(), worker);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
