/** CPU time of a PostgreSQL server with all its processes, from Linux's /proc. */
import { readdir, readFile } from 'node:fs/promises';

/** USER_HZ: fixed by Linux's interface to programs. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds, of the processes that live and of those that have ended.
 * @throws where there is no /proc
 */
export async function serverCpuSeconds(postmasterPid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  let ticks = 0;
  for (const [index, stat] of stats.entries()) {
    // Fields after the name, which may hold anything: state, ppid, …
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    if (fields[1] === postmasterPid) ticks += utime + stime;
    if (Number(pids[index]) === postmasterPid) ticks += utime + stime + cutime + cstime;
  }
  return ticks / TICKS_PER_SECOND;
}
