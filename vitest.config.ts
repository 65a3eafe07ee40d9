import { defineConfig } from 'vitest/config';

const minute = 60_000;
/** Every fault on a real build takes half an hour: `npm run test:lab` asks for it. */
const allFaults = process.env['MVC_LAB_FAULTS'] === 'all';

/**
 * Three projects by what they need: `unit` nothing, `services` real PostgreSQL and Temporal on
 * loopback, `lab` root, namespaces and QEMU. The last one runs one file at a time: emulated machines
 * need all of the processor.
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
          // They wait more than they work.
          maxWorkers: 2,
          testTimeout: 3 * minute,
          hookTimeout: 3 * minute,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: allFaults ? [] : ['test/lab/faults/all/**'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
        },
      },
    ],
  },
});
