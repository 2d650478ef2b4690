/** A service as a child process that is started again whenever it ends without having been told to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lineCutter } from './log-lines.ts';

export interface ChildSpec {
  name: string;
  /** Arguments to Node: the entry point and what follows. */
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
}

export interface ChildEvents {
  onLine(name: string, line: string): void;
  /** It ended by itself and starts again after `pauseMs`. */
  onEnd(name: string, how: string, pauseMs: number): void;
  /** It was told to end, did not, and is killed. */
  onKill(name: string): void;
}

export interface SupervisedChild {
  readonly name: string;
  /** Of the process that runs now; null in the pause before the next. */
  pid(): number | null;
  env(): NodeJS.ProcessEnv;
  /** Ends the process that runs and starts another at once, with `env` from now on if given. */
  restart(env?: NodeJS.ProcessEnv): void;
  /** Ends it for good. Resolves when its process is gone. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A child that ran this long had started well: its next pause is short again. */
const HEALTHY_MS = 30_000;
/** Services give up their own graceful stop after 10 s. */
const STOP_PATIENCE_MS = 12_000;

const FOLLOW_PARENT = import.meta.resolve('./follow-parent.ts');

export function superviseChild(spec: ChildSpec, events: ChildEvents): SupervisedChild {
  let env = spec.env;
  let running: ChildProcess | null = null;
  let pause: NodeJS.Timeout | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let stopped = false;
  let restartWanted = false;

  const start = () => {
    const began = performance.now();
    const child = spawn(process.execPath, ['--import', FOLLOW_PARENT, ...spec.args], {
      cwd: spec.cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    running = child;
    for (const stream of [child.stdout, child.stderr]) {
      const lines = lineCutter((line) => events.onLine(spec.name, line));
      stream?.setEncoding('utf8').on('data', lines.push).once('end', lines.end);
    }
    let failure = '';
    child.once('error', (error) => {
      failure = error.message;
      if (child.pid === undefined) ended(null, null);
    });
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (running !== child) return;
      running = null;
      if (stopped) return;
      if (restartWanted) {
        restartWanted = false;
        return start();
      }
      pauseMs = performance.now() - began > HEALTHY_MS ? FIRST_PAUSE_MS : pauseMs;
      events.onEnd(spec.name, failure || (signal ?? `exit code ${code}`), pauseMs);
      pause = setTimeout(start, pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
    child.once('exit', ended);
  };

  start();
  return {
    name: spec.name,
    pid: () => running?.pid ?? null,
    env: () => env,
    restart(changed) {
      env = changed ?? env;
      if (stopped) return;
      clearTimeout(pause);
      if (!running) return start();
      restartWanted = true;
      void end(running, () => events.onKill(spec.name));
    },
    async stop() {
      stopped = true;
      clearTimeout(pause);
      if (running) await end(running, () => events.onKill(spec.name));
    },
  };
}

async function end(child: ChildProcess, onKill: () => void): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => {
    onKill();
    child.kill('SIGKILL');
  }, STOP_PATIENCE_MS);
  await gone;
  clearTimeout(impatient);
}
