/** One machine, one command: database, migrations, services, the line that says that charts can be seen; and the orderly end. */
import { join } from 'node:path';
import { tryLock } from '../install/lock.mjs';
import { superviseChild, type SupervisedChild } from './child.ts';
import { keepPostgres, type Cluster } from './cluster.ts';
import { freePort } from './free-port.ts';
import { readableLine } from './log-lines.ts';
import { claimWebPort } from './port-check.ts';
import { prepareGivenServer, prepareOwnServer, type Logins } from './prepare.ts';
import { chooseSource, type SourceChoice } from './probe.ts';
import { waitUntilReady } from './readiness.ts';
import { serviceSpecs, SERVICES, type ServiceName } from './services.ts';
import type { LocalSettings } from './settings.ts';
import { watchSources } from './watch.ts';

export interface LauncherOptions {
  root: string;
  mode: 'production' | 'development';
  settings: LocalSettings;
  env: NodeJS.ProcessEnv;
  /** Aborted to stop everything. */
  signal: AbortSignal;
  print(line: string): void;
}

export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/** Resolves when everything was stopped after the signal. @throws when it cannot start, after stopping what had started */
export async function launch(options: LauncherOptions): Promise<void> {
  const { settings, signal } = options;
  const say = (line: string) => options.print(readableLine('tapecast', line));
  const cleanups: (() => unknown)[] = [];
  try {
    cleanups.push(claimDataDir(settings.dataDir));
    const port = await claimWebPort(settings.host, settings.port);
    const probing = chooseSource(settings.priceSource, { yahooOrigin: settings.yahooOrigin, signal });
    probing.catch(() => undefined); // awaited below, once the database is up

    const children: SupervisedChild[] = [];
    const cluster = settings.databaseUrl === null ? await startCluster(options, say, children) : null;
    if (cluster) cleanups.push(() => cluster.stop());
    const choice = await probing;
    say(describeSource(choice));
    signal.throwIfAborted();
    const logins = await prepare(cluster, settings, choice);
    signal.throwIfAborted();

    const healthPorts = await metricsPorts(settings.metricsPort);
    const specs = serviceSpecs({
      root: options.root,
      mode: options.mode,
      env: options.env,
      ...logins,
      databaseListenUrl: settings.databaseListenUrl,
      priceSource: choice.source,
      metricsPorts: healthPorts,
      host: settings.host,
      port,
    });
    cleanups.push(() => Promise.all(children.map((child) => child.stop())));
    for (const spec of specs) {
      children.push(
        superviseChild(spec, {
          onLine: (name, line) => options.print(readableLine(name, line)),
          onEnd: (name, how, pauseMs) => say(`${name} ended (${how}) and starts again in ${pauseMs / 1_000} s`),
          onKill: (name) => say(`${name} did not stop in time and is killed`),
        }),
      );
    }
    if (options.mode === 'development') reloadOnChange(options, children, say);
    const origin = `http://${reachable(settings.host)}:${port}${settings.basePath}`;
    const ingestor = `http://127.0.0.1:${healthPorts.ingestor}/readyz`;
    await waitUntilReady({ origin, ingestor, signal, onWaiting: (what) => say(`waiting for ${what}`) });
    options.print(`Tapecast is ready: ${origin}`);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** @returns what gives it back */
function claimDataDir(dataDir: string): () => void {
  const lock = lockIn(dataDir);
  if (lock.taken) return lock.release;
  throw new DataDirError(
    `Tapecast already runs with DATA_DIR=${dataDir} (process ${lock.owner}). Stop it, or set another DATA_DIR.`,
  );
}

function lockIn(dataDir: string): ReturnType<typeof tryLock> {
  try {
    return tryLock(join(dataDir, 'launcher.lock'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataDirError(
      `DATA_DIR=${dataDir} cannot be written (${reason}). Start as the user that it belongs to, or set another DATA_DIR.`,
      { cause },
    );
  }
}

function startCluster(
  { settings, signal, print }: LauncherOptions,
  say: (line: string) => void,
  children: SupervisedChild[],
): Promise<Cluster> {
  const verbose = ['trace', 'debug'].includes(settings.logLevel);
  return keepPostgres(settings.dataDir, {
    onLog: (line) => {
      const routine = /\bLOG: {2}/.test(line) || signal.aborted;
      if (verbose || !routine) print(readableLine('postgres', line));
    },
    onDeath: () => say('postgres ended and starts again'),
    onFailure: (error) => say(`postgres did not start: ${error instanceof Error ? error.message : String(error)}`),
    onReturn: ({ before, now }) => {
      say('postgres runs again');
      if (now === before) return;
      for (const child of children) child.restart(withPort(child.env(), before, now));
    },
  });
}

function withPort(env: NodeJS.ProcessEnv, before: number, now: number): NodeJS.ProcessEnv {
  const moved = (url: string | undefined) => url?.replace(`@127.0.0.1:${before}/`, `@127.0.0.1:${now}/`);
  const changed = { DATABASE_URL: moved(env['DATABASE_URL']), QUEUE_URL: moved(env['QUEUE_URL']) };
  return { ...env, ...changed };
}

function prepare(cluster: Cluster | null, settings: LocalSettings, choice: SourceChoice): Promise<Logins> {
  if (cluster) return prepareOwnServer(cluster.url('postgres'), choice.source, settings.queueUrl);
  return prepareGivenServer(settings.databaseUrl ?? '', choice.source, settings.queueUrl);
}

function describeSource({ source, why }: SourceChoice): string {
  const words = { yahoo: 'prices from Yahoo', simulated: 'SIMULATED prices', replay: 'replayed prices' };
  return `${words[source]} (${why})`;
}

async function metricsPorts(first: number | null): Promise<Record<ServiceName, number>> {
  const ports: [ServiceName, number][] = [];
  for (const [index, name] of SERVICES.entries()) {
    ports.push([name, first === null || first === 0 ? await freePort() : first + index]);
  }
  return Object.fromEntries(ports) as Record<ServiceName, number>;
}

/** Each service with the packages that it is made of; the web's own sources are reloaded by Vite. */
function reloadOnChange(options: LauncherOptions, children: SupervisedChild[], say: (line: string) => void): void {
  for (const child of children) {
    const own = child.name === 'web' ? join('apps', 'web', 'server') : join('apps', child.name, 'src');
    watchSources(options.root, ['packages', own], options.signal, () => {
      say(`${child.name} starts again: its sources changed`);
      child.restart();
    });
  }
}

/** An address that a browser on this machine can open, for the wildcard ones too. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
