import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files tell one story of one stack, in the order of their names. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId, 'en', { numeric: true }));
  }
}

/** `npm run test:stack`: not a part of `npm test`, since it wants a Docker engine and minutes. */
export default defineConfig({
  test: {
    name: 'stack',
    root: fileURLToPath(new URL('../../', import.meta.url)),
    include: ['tests/stack/**/*.test.ts'],
    globalSetup: ['tests/stack/global-setup.ts'],
    fileParallelism: false,
    isolate: false, // clients that live for minutes do so across files
    sequence: { sequencer: ByName },
    // As for the other tests: a second try in CI, named in the summary. Each test leaves the stack as it found it, or waits until it is.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 600_000,
    hookTimeout: 3_600_000,
    teardownTimeout: 180_000, // a stack, an engine and its data go
  },
});
