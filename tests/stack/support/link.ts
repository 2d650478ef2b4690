/** A network for a namespace: one cable to this machine, and through it out. */
import { readFile, writeFile } from 'node:fs/promises';
import { run } from './run.ts';

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
/** Of 198.18.0.0/15, which is set aside for tests of networks: no route leads there. */
const NETWORKS = 32_768;

export interface Link {
  /** This machine's address, as seen from the namespace. */
  readonly here: string;
  /** The namespace's address, which it gives itself: its end is called `outside`. */
  readonly there: string;
  readonly prefix: number;
  /** Puts back what was changed on this machine. */
  close(): Promise<void>;
}

/** @param pid of a process in the namespace */
export async function openLink(pid: number): Promise<Link> {
  const name = `tapecast${pid % 1_000_000}`;
  const { here, there, network, prefix } = addresses(pid);
  const rules = [
    ['nat', '-A', 'POSTROUTING', '-s', network, '!', '-o', name, '-j', 'MASQUERADE'],
    ['filter', '-I', 'FORWARD', '-i', name, '-j', 'ACCEPT'],
    ['filter', '-I', 'FORWARD', '-o', name, '-j', 'ACCEPT'],
  ];
  const iptables = ([table = '', action = '', ...rule]: string[]) =>
    run('iptables', ['--wait', '--table', table, action, ...rule]);
  const forwarding = await readFile(FORWARDING, 'utf8');

  await run('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'outside', 'netns', String(pid)]);
  const close = async () => {
    await run('ip', ['link', 'delete', name]).catch(() => undefined); // it goes with the namespace
    for (const [table = '', , ...rule] of rules) await iptables([table, '-D', ...rule]).catch(() => undefined);
    if (forwarding.trim() === '0') await writeFile(FORWARDING, forwarding);
  };
  try {
    await run('ip', ['address', 'add', `${here}/${prefix}`, 'dev', name]);
    await run('ip', ['link', 'set', name, 'up']);
    for (const rule of rules) await iptables(rule);
    if (forwarding.trim() === '0') await writeFile(FORWARDING, '1');
  } catch (error) {
    await close();
    throw error;
  }
  return { here, there, prefix, close };
}

/** Two runs beside each other get two networks. */
function addresses(pid: number) {
  const first = (pid % NETWORKS) * 4;
  const at = (host: number) => `198.${18 + (first >> 16)}.${(first >> 8) & 255}.${(first & 255) + host}`;
  return { network: `${at(0)}/30`, here: at(1), there: at(2), prefix: 30 };
}
