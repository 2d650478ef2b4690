/**
 * Counts a run for the last line of `npm test`. A test that did not run is a failure unless tests/known-skips.json names it with its
 * reason: silence must not look like success.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';
import { summarise, type KnownSkip, type Outcome } from './summary.ts';

const KNOWN_SKIPS = join(import.meta.dirname, '..', 'known-skips.json');

export default class SummaryReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    const root = this.vitest?.config.root ?? process.cwd();
    // With `-t`, everything that was not asked for is "skipped".
    const chosenByName = this.vitest?.config.testNamePattern !== undefined;
    const outcomes = modules.flatMap((module) => outcomesOf(module, root));
    const known = JSON.parse(readFileSync(KNOWN_SKIPS, 'utf8')) as KnownSkip[];
    const summary = summarise(chosenByName ? outcomes.filter(({ state }) => state !== 'skipped') : outcomes, known, {
      errors: errors.length,
      interrupted: reason === 'interrupted',
    });
    summary.lines.unshift(...serversOf(modules).map((server) => `ran on: ${server}`));
    const file = process.env['TAPECAST_TEST_SUMMARY'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
    if (summary.failed > 0) process.exitCode = 1;
  }
}

function outcomesOf(module: TestModule, root: string): Outcome[] {
  const file = relative(root, module.moduleId);
  const tests = [...module.children.allTests()].map((test): Outcome => {
    const { state } = test.result();
    return {
      test: `${file} > ${test.fullName}`,
      state: state === 'passed' || state === 'failed' ? state : 'skipped',
      retries: test.diagnostic()?.retryCount ?? 0,
    };
  });
  const broken =
    module.errors().length > 0 || [...module.children.allSuites()].some((suite) => suite.errors().length > 0);
  return broken ? [...tests, { test: `${file} (did not load, or a hook failed)`, state: 'failed' }] : tests;
}

/** What tests say of the servers that they ran on (`task.meta.ranOn`): versions belong to a result. */
function serversOf(modules: readonly TestModule[]): string[] {
  const named = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.meta()));
  return named.flatMap((meta) => ('ranOn' in meta && typeof meta.ranOn === 'string' ? [meta.ranOn] : []));
}
