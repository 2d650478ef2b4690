import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files tell one story of one stack, in the order of their names. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId));
  }
}

/** `node run.mjs test:stack`: not a part of `npm test`, since it wants a Docker engine and minutes. */
export default defineConfig({
  test: {
    name: 'stack',
    root: fileURLToPath(new URL('../../', import.meta.url)),
    include: ['tests/stack/**/*.test.ts'],
    globalSetup: ['tests/stack/global-setup.ts'],
    fileParallelism: false,
    sequence: { sequencer: ByName },
    testTimeout: 600_000,
    hookTimeout: 3_600_000,
  },
});
