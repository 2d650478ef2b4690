/** Programs that the stack's tests run: their output in an error, a line on screen before a long one. */
import { execFile, type ChildProcess } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Handed to the program's standard input. */
  input?: string | Buffer;
  timeoutMs?: number;
}

/** Those at work, and when each has ended. */
const running = new Map<ChildProcess, Promise<unknown>>();
process.once('exit', () => killAll());

/** Ends what still runs after a failure elsewhere: nothing writes into a folder that goes. */
export async function endPrograms(): Promise<void> {
  killAll();
  await Promise.all(running.values());
}

function killAll(): void {
  for (const { pid } of running.keys()) if (pid !== undefined) killGroup(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** @returns what it printed on stdout @throws with the end of all that it printed */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = {
      cwd: options.cwd,
      env: options.env ?? process.env,
      maxBuffer: 256 * 1_024 * 1_024,
      timeout: options.timeoutMs ?? 900_000,
      detached: true, // leads a group, which can be ended with all that it started
    };
    const child = execFile(command, args, settings, (cause, stdout, stderr) => {
      if (cause === null) return resolve(stdout);
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-40).join('\n');
      reject(new Error(`${command} ${args.join(' ')} failed:\n${said}`, { cause }));
    });
    running.set(
      child,
      new Promise<void>((ended) => child.once('close', () => ended())).then(() => running.delete(child)),
    );
    child.stdin?.on('error', () => undefined); // it ended without reading
    child.stdin?.end(options.input ?? '');
  });
}

/** Told as it happens: what takes minutes must not look stuck. */
export function say(line: string): void {
  process.stdout.write(`[stack ${new Date().toISOString().slice(11, 19)}] ${line}\n`);
}

/** Says what begins, and how long it took. */
export async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  say(`${what} …`);
  const result = await work();
  say(`${what}: ${Math.round((Date.now() - begun) / 1_000)} s`);
  return result;
}
