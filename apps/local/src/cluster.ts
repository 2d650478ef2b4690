/** Our own PostgreSQL, kept running: started again when it dies, on the same port where possible. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres, type EmbeddedPostgres } from './embedded.ts';

export interface Cluster {
  /** URL of the administrator, as long as the port stays. */
  url(database: string): string;
  readonly port: number;
  pid(): number;
  /** Ends the server. */
  stop(): Promise<void>;
}

export interface ClusterEvents {
  onLog(line: string): void;
  /** It died and starts again. */
  onDeath(): void;
  /** It runs again; on another port if the old one was taken meanwhile. */
  onReturn(ports: { before: number; now: number }): void;
  onFailure(error: unknown, pauseMs: number): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** @param dataDir absolute; the server lives in its subfolder `postgres` */
export async function keepPostgres(dataDir: string, events: ClusterEvents): Promise<Cluster> {
  const folder = join(dataDir, 'postgres');
  mkdirSync(folder, { recursive: true });
  const portFile = join(folder, 'port');
  const stopping = new AbortController();
  const start = async (preferredPort: number | undefined) => {
    const started = await startPostgres({
      folder,
      onLog: events.onLog,
      ...(preferredPort === undefined ? {} : { preferredPort }),
    });
    writeFileSync(portFile, `${started.port}\n`);
    return started;
  };

  let server = await start(readPort(portFile));
  let returning: Promise<void> = Promise.resolve();
  const watch = (current: EmbeddedPostgres) =>
    void current.ended.then(() => {
      if (!stopping.signal.aborted) returning = comeBack(current.port);
    });
  const comeBack = async (port: number) => {
    events.onDeath();
    for (let pauseMs = FIRST_PAUSE_MS; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // After kill -9, its children need a moment to leave the shared memory.
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        server = await start(port);
        watch(server);
        events.onReturn({ before: port, now: server.port });
        return;
      } catch (error) {
        events.onFailure(error, pauseMs);
      }
    }
  };
  watch(server);

  return {
    url: (database) => server.url(database),
    get port() {
      return server.port;
    },
    pid: () => server.pid,
    async stop() {
      stopping.abort();
      await returning;
      await server.stop();
    },
  };
}

function readPort(path: string): number | undefined {
  try {
    const port = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}
