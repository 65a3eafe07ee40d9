import { defineConfig } from 'vitest/config';

const minute = 60_000;

/**
 * Three projects by what they need: `unit` nothing, `services` real PostgreSQL and Temporal on
 * loopback, `lab` root, namespaces and QEMU. The last two run one file at a time: they share the
 * machine's ports and memory.
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
          fileParallelism: false,
          testTimeout: 3 * minute,
          hookTimeout: 3 * minute,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
        },
      },
    ],
  },
});
