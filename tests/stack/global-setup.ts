/** Brings up the whole stack as an operator does, on an engine, and takes it away again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { CannotRunHere } from './support/cannot-run.ts';
import { endPrograms, say } from './support/run.ts';
import { noWorld, openWorld, type World } from './support/world.ts';

declare module 'vitest' {
  interface ProvidedContext {
    stack: World;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-stack-'));
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    await endPrograms();
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    project.provide('stack', await openWorld(folder, (closer) => closers.push(closer)));
    return close;
  } catch (error) {
    await close();
    if (!(error instanceof CannotRunHere)) throw error;
    const tell = async () => say(`The stack was NOT tried here. ${error.message}`);
    await tell();
    project.provide('stack', noWorld(error.message));
    return tell; // once more, below the tests
  }
}
