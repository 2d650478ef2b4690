/** A Docker engine: the one of DOCKER_HOST, or one of our own in namespaces and a folder of its own, ended with the tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotRunHere, installPrograms, orCannotRun } from './cannot-run.ts';
import { openLink, TEST_NETWORKS, type Link } from './link.ts';
import { run, say } from './run.ts';

export interface Engine {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** Path of its socket, as services on its nodes mount it. */
  readonly socket: string;
  /** For the summary: what it is, and its version. */
  readonly name: string;
  /** Addresses of this machine as containers reach it, and of the engine as this machine reaches it; null: on Swarm's bridge. */
  readonly addresses: { here: string; there: string } | null;
  /** Everything that runs on it ends with it. */
  readonly isOurs: boolean;
  close(): Promise<void>;
}

/** One that the tests started, as a node of its own. */
export interface OwnEngine extends Engine {
  readonly addresses: { here: string; there: string };
  /** What a machine does whose power fails: nothing is told to anybody, and the disk stays. */
  crash(): Promise<void>;
  /** After a crash. @returns it, where it was */
  restart(): Promise<OwnEngine>;
}

const NAMESPACES = ['--mount', '--pid', '--net', '--uts', '--fork', '--kill-child', '--mount-proc'];
const PATIENCE_MS = 120_000;
/** Path of the engine's socket on each node, as on machines of their own: engine.sh makes a folder there that no other node sees. */
const ON_NODE = '/etc/docker/docker.sock';

/** @throws {CannotRunHere} where there is none, and none can be started */
export async function openEngine(folder: string): Promise<Engine> {
  const given = process.env['DOCKER_HOST'];
  if (given !== undefined && given !== '') {
    await installPrograms([
      ['docker', 'docker.io'],
      ['openssl', 'openssl'],
    ]);
    const version = await run('docker', ['version', '--format', '{{.Server.Version}}']);
    return {
      host: given,
      socket: given.startsWith('unix://') ? given.slice('unix://'.length) : '/var/run/docker.sock',
      name: `the given Docker engine ${version.trim()}`,
      addresses: null,
      isOurs: false,
      close: async () => undefined,
    };
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new CannotRunHere('only root on Linux can start a Docker engine; DOCKER_HOST may name one');
  }
  await installPrograms([
    ['dockerd', 'docker.io'],
    ['iptables', 'iptables'],
    ['ip', 'iproute2'],
    ['openssl', 'openssl'],
  ]);
  return orCannotRun('No Docker engine could be started', () => startEngine(folder, 'node1'));
}

/**
 * One of our own.
 *
 * @param folder of which it makes all that it needs, and which it removes at the end
 * @param name of its host, as a swarm knows it
 * @param place of its network, for one that had it before
 */
export async function startEngine(folder: string, name: string, place?: number): Promise<OwnEngine> {
  const socket = join(folder, 'docker.sock');
  // What a machine forgets when it goes down.
  for (const path of [socket, join(folder, 'docker.pid'), join(folder, 'exec')])
    await rm(path, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const cgroup = `tapecast-${process.pid}-${name}`;
  const args = [
    ...['--host', `unix://${socket}`, '--host', `unix://${ON_NODE}`, '--pidfile', join(folder, 'docker.pid')],
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--cgroup-parent', `/${cgroup}`],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs'], // systemd's, the default beside it, takes no such parent
    ...['--insecure-registry', TEST_NETWORKS], // one of the tests, which has no certificate
    '--no-new-privileges', // as the operator's guide wants it
  ];
  const script = join(import.meta.dirname, 'engine.sh');
  const daemon = spawn('unshare', [...NAMESPACES, 'sh', script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  daemon.stdin.on('error', () => undefined); // it ended without reading
  const output = outputOf(daemon);
  const killWithUs = () => daemon.kill('SIGKILL');
  process.once('exit', killWithUs);
  let link: Link | undefined;
  const forget = async () => {
    process.off('exit', killWithUs);
    await link?.close();
    await removeGroups(cgroup);
  };
  const close = async () => {
    await endWithPipe(daemon);
    await forget();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 }).catch((error: unknown) =>
      say(`${folder} was left behind: ${String(error)}`),
    );
  };
  try {
    await output.until(/waiting for a network/);
    const opened = (link = await openLink(daemon.pid ?? 0, place));
    daemon.stdin.write(`${name} ${opened.there}/${opened.prefix} ${opened.here}\n`);
    await output.until(/API listen on/);
    const host = `unix://${socket}`;
    const version = await run('docker', ['--host', host, 'version', '--format', '{{.Server.Version}}']);
    return {
      host,
      socket: ON_NODE,
      name: `a Docker engine of our own, ${version.trim()}`,
      addresses: { here: opened.here, there: opened.there },
      isOurs: true,
      close,
      crash: async () => {
        if (daemon.exitCode !== null || daemon.signalCode !== null) return; // a second try finds it dead
        const ended = once(daemon, 'close');
        daemon.kill('SIGKILL');
        await ended;
        await forget();
      },
      restart: () => startEngine(folder, name, opened.place),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What it prints, of which the end is kept, and a way to wait for something in it. */
function outputOf(daemon: ChildProcess) {
  let text = '';
  let failure: Error | undefined;
  let seen = (): void => undefined;
  for (const stream of [daemon.stdout, daemon.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-20_000);
      seen();
    });
  }
  daemon.once('error', (error) => {
    failure = error;
    seen();
  });
  daemon.once('close', () => {
    failure ??= new Error('it ended before it was ready');
    seen();
  });
  const until = (expected: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why}:\n${text}`, { cause: failure }));
      const timer = setTimeout(() => fail('it was not ready in time'), PATIENCE_MS);
      seen = () => {
        const ended = failure !== undefined || text.includes('dockerd has ended');
        if (!ended && !expected.test(text)) return;
        clearTimeout(timer);
        if (ended) fail(failure?.message ?? 'dockerd ended before it was ready');
        else resolve();
      };
      seen();
    });
  return { until };
}

async function endWithPipe(daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'close');
  daemon.stdin?.end();
  if ((await Promise.race([ended, sleep(30_000, 'late', { ref: false })])) === 'late') {
    say('The engine did not end by itself and is killed');
    daemon.kill('SIGKILL');
    await ended;
  }
}

/** Containers that were killed leave their empty control groups, one tree per controller where the kernel has version 1. */
async function removeGroups(name: string): Promise<void> {
  const trees = `/sys/fs/cgroup/${name} /sys/fs/cgroup/*/${name}`;
  const remove = `for tree in ${trees}; do if [ -d "$tree" ]; then find "$tree" -depth -type d -exec rmdir {} +; fi; done`;
  await run('sh', ['-c', remove]).catch((error: unknown) => say(`Control groups were left behind: ${String(error)}`));
}
