import { defineConfig } from 'vitest/config';

const minute = 60_000;
/** What is in a folder `all` takes many minutes each: `npm run test:lab` and `test:network` ask for it. */
const long = process.env['MVC_LONG_TESTS'] === '1' ? [] : ['test/lab/**/all/**'];
/** How many files at a time of tests that wait more than they work. */
const waiting = 3;
const network = ['test/lab/network/**/*.test.ts', 'test/lab/overlay/**/*.test.ts'];

/**
 * Four projects by what they need: `unit` nothing, `services` real PostgreSQL and Temporal on
 * loopback, `network` root and namespaces, `lab` QEMU besides. The last one runs one file at a time:
 * emulated machines need all of the processor.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/services/**', 'test/lab/**', 'test/helpers/**'],
          pool: 'forks',
          testTimeout: 15_000,
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/services/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: waiting,
          testTimeout: 3 * minute,
          hookTimeout: 3 * minute,
        },
      },
      {
        test: {
          name: 'network',
          include: network,
          exclude: long,
          pool: 'forks',
          maxWorkers: waiting,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...network, ...long],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
        },
      },
    ],
  },
});
