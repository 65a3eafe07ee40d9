import { parseArgs } from 'node:util';
import { matrixOperations } from './matrix/cases.ts';
import { runMatrix } from './matrix/run-matrix.ts';
import { runMutations } from './run-mutations.ts';
import { reportFailure, runSeeds } from './run-seeds.ts';

/**
 * The simulation: builds, scales, repairs, stops, starts and destroys clusters over memory sites in
 * virtual time, under a seeded schedule of faults. `npm run sim -- --help` tells how.
 */
const help = `npm run sim -- [options]

  --seeds N               how many seeds (default 10000)
  --from N                the first of them (default 1)
  --seed N                one seed, with all that happens
  --jobs N                processes at work (default 2)
  --verify-determinism    plays each seed twice and compares
  --matrix                every call of every operation x every fault, and a table
  --operation NAME        only these operations of the matrix
  --every N               only one of N cases of the matrix
  --mutations             every planted bug must be found
  --find-within N         in so many seeds (default 2000)
  --mutation NAME         the seeds with this bug planted
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    'verify-determinism': { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    mutation: { type: 'string' },
    every: { type: 'string', default: '1' },
    operation: { type: 'string', multiple: true },
    'find-within': { type: 'string', default: '2000' },
    help: { type: 'boolean', default: false },
  },
});

const jobs = Number(values.jobs);
if (values.help) {
  console.log(help);
} else if (values.matrix) {
  const operations = values.operation ?? matrixOperations;
  process.exitCode = await runMatrix({ jobs, every: Number(values.every), operations });
} else if (values.mutations) {
  process.exitCode = await runMutations({ jobs, seedsAtMost: Number(values['find-within']) });
} else {
  process.exitCode = await runSeeds({
    first: Number(values.seed ?? values.from),
    count: values.seed === undefined ? Number(values.seeds) : 1,
    jobs: values.seed === undefined ? jobs : 1,
    wantsLines: values.seed !== undefined,
    twice: values['verify-determinism'] || values.seed !== undefined,
    ...(values.mutation === undefined ? {} : { mutation: values.mutation }),
    failed: reportFailure,
  });
}
