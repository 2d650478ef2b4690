import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Most of the time goes by waiting: for polls, time limits, processes that start. It waits for the longest of them beside all the others. */
const VENDOR = 'tests/e2e/yahoo-replies.test.ts';
/** What keeps pace with a clock, or shows a first start, has the machine to itself. */
const POLL = 'tests/integration/poll.test.ts';
const FIRST_START = 'tests/e2e/first-start.test.ts';

/**
 * Projects by what they need: `unit` nothing, `integration` a PostgreSQL (and Redis), `e2e` a browser as well, `launcher` real
 * processes of the whole product. One PostgreSQL serves them all; see tests/support/global-setup.ts.
 */
export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 15_000,
    hookTimeout: 60_000,
    // VENDOR takes one of them for minutes and hardly any processor time.
    maxWorkers: Math.max(3, availableParallelism()),
    // Real servers, browsers and kills on two shared cores: CI gives a test a second try, and the summary names those that needed it.
    retry: process.env['CI'] === undefined ? 0 : 1,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'apps/local/install/*.test.mjs'],
          exclude: ['**/node_modules/**', '**/build/**', '**/.svelte-kit/**'],
        },
      },
      {
        extends: true,
        // Projects of a group start in the order of their names: this one first.
        test: { name: 'e2e-vendor', include: [VENDOR], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          exclude: [POLL],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: [POLL, FIRST_START], testTimeout: 30_000, fileParallelism: false },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          exclude: [VENDOR, FIRST_START],
          testTimeout: 60_000,
          maxWorkers: 2, // browsers
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'launcher',
          include: ['tests/launcher/**/*.test.ts'],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
