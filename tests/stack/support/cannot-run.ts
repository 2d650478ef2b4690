/** What a machine must have before there can be a stack on it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { during, run } from './run.ts';

/** The stack cannot be tried here, and it is not the stack's fault: its tests are skipped by name (tests/known-skips.json). */
export class CannotRunHere extends Error {
  override readonly name = 'CannotRunHere';
}

/** @throws {CannotRunHere} where `work` fails, with `what` it was */
export async function orCannotRun<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CannotRunHere) throw cause;
    throw new CannotRunHere(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, program)));
}

/**
 * On Debian, as root, what is missing is installed.
 *
 * @param programs name of each and the Debian package that has it @throws {CannotRunHere} saying what to install
 */
export async function installPrograms(programs: [program: string, debian: string][]): Promise<void> {
  const missing = programs.filter(([program]) => !isInstalled(program)).map(([, debian]) => debian);
  if (missing.length === 0) return;
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    throw new CannotRunHere(`what is missing cannot be installed from here: install ${missing.join(', ')}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await orCannotRun(`apt-get could not install ${missing.join(', ')}`, () =>
    during(`Installing ${missing.join(', ')}`, async () => {
      await run('apt-get', ['update', '-qq'], { env });
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
    }),
  );
}
