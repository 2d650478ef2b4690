// A lock file that survives its owner's death: it names the process, and a name whose process is gone counts for nothing.
// Process ids are used again (from 1 on in each container), so the name includes when the process began.
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Takes the lock, or says who has it.
 *
 * @param {string} path
 * @returns {{ taken: true, release: () => void, lend: (pid: number) => void } | { taken: false, owner: number }} owner: a process
 *   id; lend: makes another process the owner, whose death then frees the lock
 */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  let mine = nameOf(process.pid);
  const draft = `${path}.${process.pid}`;
  // A link appears with its content or not at all: nobody reads a lock that is half written.
  writeFileSync(draft, mine);
  try {
    for (;;) {
      try {
        linkSync(draft, path);
        const lend = (pid) => {
          mine = nameOf(pid);
          writeFileSync(draft, mine);
          renameSync(draft, path);
        };
        return { taken: true, release: () => removeIf(path, mine), lend };
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const held = read(path);
      if (held === null) continue;
      const [pid, ...begin] = held.split(' ');
      const owner = Number(pid);
      if (Number.isInteger(owner) && owner > 0 && beginOf(owner) === begin.join(' ')) return { taken: false, owner };
      removeIf(path, held);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Waits for the lock as long as its owner lives.
 *
 * @param {string} path
 * @param {(owner: number) => void} onWait called once, when somebody else has it
 * @returns {Promise<{ release: () => void, lend: (pid: number) => void }>}
 */
export async function lock(path, onWait = () => undefined) {
  for (let waited = false; ; waited = true) {
    const outcome = tryLock(path);
    if (outcome.taken) return outcome;
    if (!waited) onWait(outcome.owner);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Removes the lock if it still says `content`; two that find the same dead owner must not remove each other's. */
function removeIf(path, content) {
  const aside = `${path}.${process.pid}.aside`;
  try {
    renameSync(path, aside);
    if (read(aside) !== content) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function nameOf(pid) {
  return `${pid} ${beginOf(pid)}`;
}

/** When a process began, as text to compare; null when there is no such process. */
function beginOf(pid) {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The second field, the program's name in parentheses, may itself contain spaces and parentheses.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state] = fields;
      return state === 'Z' || state === 'X' ? null : fields[19];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}
