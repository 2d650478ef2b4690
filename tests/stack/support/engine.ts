/** A Docker engine: the one of DOCKER_HOST, or one of our own in a folder of its own, ended with the tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { during, run, say } from './run.ts';

export interface Engine {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** Path of its socket, as services on its nodes mount it. */
  readonly socket: string;
  /** For the summary: what it is, and its version. */
  readonly name: string;
  close(): Promise<void>;
}

const STARTED = /API listen on/;

export async function openEngine(folder: string): Promise<Engine> {
  const given = process.env['DOCKER_HOST'];
  if (given !== undefined && given !== '') {
    const version = await run('docker', ['version', '--format', '{{.Server.Version}}']);
    const socket = given.startsWith('unix://') ? given.slice('unix://'.length) : '/var/run/docker.sock';
    return { host: given, socket, name: `the given Docker engine ${version.trim()}`, close: async () => undefined };
  }
  await installPrograms([
    ['dockerd', 'docker.io'],
    ['iptables', 'iptables'],
    ['debootstrap', 'debootstrap'],
    ['openssl', 'openssl'],
  ]);
  return startEngine(folder);
}

/** @param programs name of each and the Debian package that has it @throws saying what to install */
async function installPrograms(programs: [program: string, debian: string][]): Promise<void> {
  const folders = (process.env['PATH'] ?? '').split(':');
  const missing = programs.filter(([program]) => !folders.some((path) => existsSync(join(path, program))));
  if (missing.length === 0) return;
  const names = missing.map(([, debian]) => debian);
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    throw new Error(`The stack needs a Docker engine: set DOCKER_HOST, or install ${names.join(', ')}.`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await during(`Installing ${names.join(', ')}`, async () => {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
  });
}

async function startEngine(folder: string): Promise<Engine> {
  const socket = join(folder, 'docker.sock');
  const dataRoot = join(folder, 'data');
  await mkdir(dataRoot, { recursive: true });
  const args = [
    ...['--host', `unix://${socket}`, '--pidfile', join(folder, 'docker.pid')],
    ...['--data-root', dataRoot, '--exec-root', join(folder, 'exec')],
    '--no-new-privileges', // as the operator's guide wants it
  ];
  const daemon = spawn('dockerd', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(daemon, 'close');
  ended.catch(() => undefined);
  const killWithUs = () => daemon.kill('SIGKILL');
  process.once('exit', killWithUs);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [daemon.stdout, daemon.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000);
        if (STARTED.test(text)) resolve();
      });
    }
    daemon.once('error', reject);
    daemon.once('close', () => reject(new Error(`dockerd ended before it was ready:\n${output}`)));
  });
  const host = `unix://${socket}`;
  const version = await run('docker', ['--host', host, 'version', '--format', '{{.Server.Version}}']);
  return {
    host,
    socket,
    name: `a Docker engine of our own, ${version.trim()}`,
    close: async () => {
      daemon.kill('SIGTERM');
      await Promise.race([ended, sleep(60_000)]);
      if (daemon.exitCode === null && daemon.signalCode === null) {
        say('dockerd did not end in a minute and is killed');
        daemon.kill('SIGKILL');
        await ended;
      }
      process.off('exit', killWithUs);
      for (const bridge of ['docker0', 'docker_gwbridge']) {
        await run('ip', ['link', 'delete', bridge]).catch(() => undefined);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((err: unknown) =>
        say(`${folder} could not be removed: ${err instanceof Error ? err.message : String(err)}`),
      );
    },
  };
}
