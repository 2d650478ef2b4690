/** Makes a backup at its time, removes those whose time is over, and tries now and then whether one can be restored. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Archive, listArchives, newestArchive, pruneArchives } from '@tapecast/backup/archives';
import { drillRestore } from '@tapecast/backup/drill';
import { makeBackup } from '@tapecast/backup/make-backup';
import { archiveBytes, archiveRows } from '@tapecast/backup/manifest';
import { openStorage } from '@tapecast/backup/storage/open-storage';
import { databaseOf } from '@tapecast/db/archive/databases';
import { type RunningService, type ServiceContext } from '@tapecast/runtime/service';
import { listenUrl } from '@tapecast/runtime/settings';
import { createMetrics } from './metrics.ts';
import { nextDue } from './schedule.ts';
import { type Settings } from './settings.ts';

/** A failure is tried again soon, since the database may start after this, then ever later: a full disk does not empty itself in a minute. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 3_600_000;
/** Also finds backups that others made, and those that somebody removed. */
const LOOK_MS = 60_000;

const STARTING = 'the backups were not looked at yet';

export async function startBackupService(settings: Settings, context: ServiceContext): Promise<RunningService> {
  const { logger, registry } = context;
  // A snapshot is a session: it does not go through a transaction pooler.
  const url = listenUrl(settings);
  const storage = openStorage(settings.BACKUP_TARGET, settings);
  const database = databaseOf(url);
  const metrics = createMetrics(registry);
  const stopping = new AbortController();
  const signal = AbortSignal.any([context.signal, stopping.signal]);
  let failure: string | null = STARTING;

  /** @returns when the newest one was made */
  const look = async (): Promise<number | null> => {
    const { archives, damaged } = await listArchives(storage);
    for (const { name, reason } of damaged) logger.error({ archive: name, reason }, 'a backup is damaged');
    const ours = archives.filter(({ manifest }) => manifest.database.name === database);
    metrics.kept.set(ours.length);
    const [newest] = ours;
    if (newest === undefined) return null;
    show(newest);
    return newest.madeAt.getTime();
  };
  const show = (archive: Archive): void => {
    metrics.lastSuccess.set(archive.madeAt.getTime() / 1_000);
    metrics.seconds.set(archive.manifest.seconds);
    metrics.bytes.set(archiveBytes(archive.manifest));
    metrics.rows.set(archiveRows(archive.manifest));
  };

  const back = async (): Promise<void> => {
    try {
      const archive = await makeBackup({ url, storage, signal });
      show(archive);
      metrics.runs.inc({ outcome: 'ok' });
      metrics.lastAttemptOk.set(1);
      const { seconds } = archive.manifest;
      logger.info(
        { archive: archive.name, seconds, rows: archiveRows(archive.manifest), bytes: archiveBytes(archive.manifest) },
        'backup made',
      );
    } catch (error) {
      if (!signal.aborted) {
        metrics.runs.inc({ outcome: 'failed' });
        metrics.lastAttemptOk.set(0);
      }
      throw error;
    }
    const { removed } = await pruneArchives(storage, settings.BACKUP_KEEP, { database });
    if (removed.length > 0) logger.info({ removed }, 'old backups removed');
  };

  const drill = async (): Promise<void> => {
    const began = performance.now();
    try {
      const archive = await newestArchive(storage, database);
      const { rows } = await drillRestore({ storage, archive, url: settings.BACKUP_DRILL_URL ?? url, signal });
      const seconds = (performance.now() - began) / 1_000;
      metrics.lastDrill.set(Date.now() / 1_000);
      metrics.lastDrillOk.set(1);
      metrics.drillSeconds.set(seconds);
      logger.info(
        { archive: archive.name, rows, seconds },
        'drill: the newest backup can be restored, every row is equal',
      );
    } catch (err) {
      if (signal.aborted) throw err;
      metrics.lastDrillOk.set(0);
      logger.error({ err }, 'drill: the newest backup could not be restored');
    }
  };

  const run = async (): Promise<void> => {
    let failingSince: number | undefined;
    // The first drill follows the first backup that this process sees.
    let drillAt = 0;
    while (!signal.aborted) {
      let pauseMs = LOOK_MS;
      try {
        const newest = await look();
        if (failure === STARTING) failure = null;
        if (Date.now() >= nextDue(newest, settings.BACKUP_EVERY, settings.BACKUP_AT)) {
          await back();
          await look();
        }
        if (settings.BACKUP_DRILL_EVERY !== undefined && Date.now() >= drillAt) {
          await drill();
          drillAt = Date.now() + settings.BACKUP_DRILL_EVERY;
        }
        failingSince = undefined;
        failure = null;
      } catch (err) {
        if (signal.aborted) return;
        failure = err instanceof Error ? err.message : String(err);
        failingSince ??= Date.now();
        pauseMs = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, (Date.now() - failingSince) / 3));
        logger.error({ err, retryInSeconds: Math.round(pauseMs / 1_000) }, 'no backup could be made');
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const ended = run();
  logger.info({ place: storage.place, database }, 'backups go here');
  return {
    ready: () => (failure === null ? [] : [failure]),
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
