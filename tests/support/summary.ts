export interface Outcome {
  /** `tests/e2e/page.test.ts > page > shows the fan` */
  test: string;
  state: 'passed' | 'failed' | 'skipped';
  /** How often it failed before it passed; only where vitest.config.ts allows another try. */
  retries?: number;
}

export interface KnownSkip {
  /** The whole name as the summary prints it, or its beginning followed by `*`. */
  test: string;
  /** Why it cannot run everywhere, and where it does run. */
  reason: string;
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** For people: what did not pass and why. */
  lines: string[];
}

/** @param run.errors errors outside of any test */
export function summarise(
  outcomes: readonly Outcome[],
  known: readonly KnownSkip[],
  run: { errors: number; interrupted: boolean },
): Summary {
  const passed = outcomes.filter(({ state }) => state === 'passed').length;
  const failed = outcomes.filter(({ state }) => state === 'failed');
  const skipped = outcomes
    .filter(({ state }) => state === 'skipped')
    .map(({ test }) => ({ test, reason: known.find((skip) => matches(skip.test, test))?.reason }));
  const excused = skipped.filter(({ reason }) => reason !== undefined);
  const silent = skipped.filter(({ reason }) => reason === undefined);
  const lines = [
    ...failed.map(({ test }) => `failed: ${test}`),
    ...silent.map(({ test }) => `failed: ${test} (did not run, and is not in tests/known-skips.json)`),
    ...excused.map(({ test, reason }) => `skipped: ${test} (${reason})`),
    ...outcomes
      .filter(({ state, retries = 0 }) => state === 'passed' && retries > 0)
      .map(({ test, retries = 0 }) => `passed only at try ${retries + 1}: ${test}`),
  ];
  if (run.errors > 0) lines.push(`failed: ${run.errors} error(s) outside of any test, shown above`);
  if (run.interrupted) lines.push('failed: the run was interrupted');
  const failures = failed.length + silent.length + run.errors + (run.interrupted ? 1 : 0);
  return { passed, failed: failures, skipped: excused.length, lines };
}

function matches(pattern: string, test: string): boolean {
  return pattern.endsWith('*') ? test.startsWith(pattern.slice(0, -1)) : test === pattern;
}
