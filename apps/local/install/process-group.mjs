// Runs a program in a process group of its own and ends the whole group with it: whatever it has started goes too. Signals reach
// the program alone, which stops its own children in order; the group is for what is left.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The third Ctrl-C means it. */
const PATIENCE = 3;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, channel?: boolean, onStart?: (pid: number) => void }} options channel: lets the
 *   program notice our death
 * @returns {Promise<number>} exit code as a shell tells it
 */
export function runInGroup(command, args, { cwd, env, channel = false, onStart }) {
  return new Promise((resolve, reject) => {
    const stdio = channel ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit';
    const child = spawn(command, args, { cwd, env, stdio, detached: true });
    if (child.pid !== undefined) onStart?.(child.pid);
    let told = 0;
    const forward = (signal) => {
      told += 1;
      if (told >= PATIENCE) killGroup(child.pid);
      else child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    const done = () => {
      for (const signal of SIGNALS) process.off(signal, forward);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      killGroup(child.pid);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left
  }
}
