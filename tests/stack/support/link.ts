/** A network for a namespace: one cable to this machine, and through it out. */
import { readFile, writeFile } from 'node:fs/promises';
import { run } from './run.ts';

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
/** Set aside for tests of networks: no route leads there. */
export const TEST_NETWORKS = '198.18.0.0/15';
const NETWORKS = 32_768;

export interface Link {
  /** This machine's address, as seen from the namespace. */
  readonly here: string;
  /** The namespace's address, which it gives itself: its end is called `outside`. */
  readonly there: string;
  readonly prefix: number;
  readonly place: number;
  /** Puts back what was changed on this machine. */
  close(): Promise<void>;
}

/** @param pid of a process in the namespace @param place among the test networks, for one that had it before */
export async function openLink(pid: number, place = pid % NETWORKS): Promise<Link> {
  const name = `tapecast${pid % 1_000_000}`;
  const { here, there, network, prefix } = addresses(place);
  const rules = [
    // Other namespaces see who it is: nodes of one swarm know each other by their addresses.
    ['nat', '-A', 'POSTROUTING', '-s', network, '!', '-d', TEST_NETWORKS, '-j', 'MASQUERADE'],
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
  return { here, there, prefix, place, close };
}

/** Two runs beside each other get two networks. */
function addresses(place: number) {
  const first = place * 4;
  const at = (host: number) => `198.${18 + (first >> 16)}.${(first >> 8) & 255}.${(first & 255) + host}`;
  return { network: `${at(0)}/30`, here: at(1), there: at(2), prefix: 30 };
}

/** Whether overlay networks that Docker encrypts can carry anything here: not every kernel has ESP with the cipher that it takes. */
export async function encryptsBetweenNodes(): Promise<boolean> {
  const ends = ['src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'esp', 'spi', '1', 'mode', 'transport'];
  const cipher = ['aead', 'rfc4106(gcm(aes))', `0x${'01'.repeat(20)}`, '64'];
  return run('unshare', ['--net', 'ip', 'xfrm', 'state', 'add', ...ends, ...cipher]).then(
    () => true,
    () => false,
  );
}
