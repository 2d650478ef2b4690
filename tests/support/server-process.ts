/** A server program that a test starts and that must not outlive it, however the test ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface ServerProcess {
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** @param signal SIGKILL for a crash @returns its exit code, null when a signal ended it */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts `command` and waits until its output contains `ready`.
 *
 * @throws with its output when it ends before, or when `command` is not installed
 */
export async function startServerProcess(
  command: string,
  args: string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = process.env,
  user: { uid?: number; gid?: number } = {},
): Promise<ServerProcess> {
  const child = spawn(command, args, { env, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const closed = once(child, 'close').finally(() => process.off('exit', endWithUs));
  closed.catch(() => undefined);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const listen = (text: string) => {
      output += text;
      if (ready.test(output)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', (cause) => reject(new Error(`${command} could not be started`, { cause })));
    child.once('close', () => reject(new Error(`${command} ended before it was ready:\n${output}`)));
  });
  return { pid: child.pid ?? 0, output: () => output, end: (signal) => end(child, closed, signal) };
}

async function end(
  child: ChildProcess,
  closed: Promise<unknown>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await closed;
  return child.exitCode;
}
