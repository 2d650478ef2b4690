/**
 * Who watches which runs of the lab. A hint tells at once; a sweep reads the watched runs that are open, so that a lost hint
 * costs seconds. Each ack says where the runs stand, so that nothing is missed between asking and hearing.
 */
import { LabHint } from '@tapecast/contracts/notify';
import type { LabProgress } from '@tapecast/contracts/lab';
import { WatchLabRequest, type WatchLabAck } from '@tapecast/contracts/socket';
import type { Database } from '@tapecast/db/database';
import { readLabProgress } from '@tapecast/db/lab-runs';
import type { Logger } from '@tapecast/runtime/logger';
import { z } from 'zod';
import { refuse } from './subscribe.ts';

export interface LabWatcher {
  emit(event: 'lab', runs: LabProgress[]): unknown;
}

export class LabBoard {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #watchers = new Map<LabWatcher, Set<number>>();
  /** What was told last of each watched run. */
  readonly #told = new Map<number, LabProgress>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: { db: Database; logger: Logger; sweepMs: number }) {
    this.#db = options.db;
    this.#logger = options.logger;
    this.#timer = setInterval(() => void this.sweep(), options.sweepMs);
  }

  /** A payload of LAB_CHANNEL, unparsed. */
  hint(payload: unknown): void {
    const parsed = LabHint.safeParse(payload);
    if (parsed.success) this.#tell(parsed.data);
    else this.#logger.warn({ payload: JSON.stringify(payload)?.slice(0, 200) }, 'a NOTIFY of the lab that is not one');
  }

  async watch(watcher: LabWatcher, payload: unknown): Promise<WatchLabAck> {
    const parsed = WatchLabRequest.safeParse(payload);
    if (!parsed.success) return refuse('bad_request', z.prettifyError(parsed.error).slice(0, 1_000));
    this.#watchers.set(watcher, new Set(parsed.data.runs));
    this.#forget();
    try {
      return { ok: true, runs: await readLabProgress(this.#db, parsed.data.runs) };
    } catch (err) {
      this.#logger.warn({ err }, 'runs of the lab could not be read');
      return refuse('unavailable', 'the database does not answer; ask again after a pause');
    }
  }

  leave(watcher: LabWatcher): void {
    if (this.#watchers.delete(watcher)) this.#forget();
  }

  /** Reads the watched runs anew and tells what no hint told. */
  async sweep(): Promise<void> {
    const watched = [...this.#watched()];
    if (watched.length === 0) return;
    try {
      for (const run of await readLabProgress(this.#db, watched)) this.#tell(run);
    } catch {
      // The hub says already that the database is away; the next sweep tries again.
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watchers.clear();
  }

  #tell(run: LabProgress): void {
    const told = this.#told.get(run.id);
    if (told !== undefined && !isNews(run, told)) return;
    let watched = false;
    for (const [watcher, runs] of this.#watchers) {
      if (!runs.has(run.id)) continue;
      watched = true;
      watcher.emit('lab', [run]);
    }
    if (watched) this.#told.set(run.id, run);
  }

  #watched(): Set<number> {
    return new Set([...this.#watchers.values()].flatMap((runs) => [...runs]));
  }

  #forget(): void {
    const watched = this.#watched();
    for (const id of this.#told.keys()) if (!watched.has(id)) this.#told.delete(id);
  }
}

const ORDER: Record<LabProgress['state'], number> = { waiting: 0, running: 1, done: 2, failed: 2, cancelled: 2 };

/** A row that was read may be older than a hint that came while it was. */
function isNews(run: LabProgress, told: LabProgress): boolean {
  const [now, before] = [ORDER[run.state], ORDER[told.state]];
  if (now !== before) return now > before;
  return run.progress > told.progress || (run.progress === told.progress && run.stage !== told.stage);
}
