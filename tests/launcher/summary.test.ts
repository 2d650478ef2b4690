import { expect, it } from 'vitest';
import { summarise } from '../support/summary.ts';

const RUN = { errors: 0, interrupted: false };

it('counts a test that did not run as failed, unless it is known with its reason', () => {
  const summary = summarise(
    [
      { test: 'a.test.ts > works', state: 'passed' },
      { test: 'a.test.ts > breaks', state: 'failed' },
      { test: 'a.test.ts > was forgotten', state: 'skipped' },
      { test: 'b.test.ts > needs TimescaleDB', state: 'skipped' },
    ],
    [{ test: 'b.test.ts > *', reason: 'no TEST_TIMESCALE_URL' }],
    RUN,
  );
  expect(summary).toMatchObject({ passed: 1, failed: 2, skipped: 1 });
  expect(summary.lines).toEqual([
    'failed: a.test.ts > breaks',
    'failed: a.test.ts > was forgotten (did not run, and is not in tests/known-skips.json)',
    'skipped: b.test.ts > needs TimescaleDB (no TEST_TIMESCALE_URL)',
  ]);
});

it('counts errors outside of tests and an interrupted run as failures', () => {
  expect(summarise([], [], { errors: 2, interrupted: true }).failed).toBe(3);
});

it('names what passed only after a failure', () => {
  const summary = summarise(
    [
      { test: 'a.test.ts > wavers', state: 'passed', retries: 1 },
      { test: 'a.test.ts > breaks', state: 'failed', retries: 1 },
      { test: 'a.test.ts > works', state: 'passed', retries: 0 },
    ],
    [],
    RUN,
  );
  expect(summary).toMatchObject({ passed: 2, failed: 1 });
  expect(summary.lines).toEqual(['failed: a.test.ts > breaks', 'passed only at try 2: a.test.ts > wavers']);
});
