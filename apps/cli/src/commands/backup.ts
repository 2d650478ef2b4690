/** `tapecast backup [TARGET]`, and `backup list|verify|prune`. */
import { join } from 'node:path';
import { type Archive, listArchives, pruneArchives } from '@tapecast/backup/archives';
import { findArchive } from '@tapecast/backup/find-archive';
import { makeBackup } from '@tapecast/backup/make-backup';
import { archiveBytes, archiveRows } from '@tapecast/backup/manifest';
import { backupSettings, KeepRule } from '@tapecast/backup/settings';
import { openStorage } from '@tapecast/backup/storage/open-storage';
import { verifyBackup } from '@tapecast/backup/verify-backup';
import { loadConfig } from '@tapecast/runtime/config';
import { z } from 'zod';
import { type CommandContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { dataDirOf, findDatabase } from '../find-database.ts';
import { count, duration, progressLine, table } from '../terminal.ts';

/** Settings of backups; without BACKUP_TARGET they go beside the database of `npm start`. */
export function backupConfig(env: NodeJS.ProcessEnv) {
  const config = loadConfig(z.object(backupSettings), env);
  return { ...config, target: config.BACKUP_TARGET ?? join(dataDirOf(env), 'backups') };
}

export async function backup(
  target: string | undefined,
  options: { pgDump?: boolean },
  context: CommandContext,
): Promise<ExitCode> {
  const { env, terminal, signal } = context;
  const config = backupConfig(env);
  const { url, place } = await findDatabase(env, context.database);
  const storage = openStorage(target ?? config.target, config);
  const began = performance.now();
  const archive = await terminal.during(`Backing up ${place} to ${storage.place}`, (show) =>
    makeBackup({
      url,
      storage,
      signal,
      pgDump: options.pgDump === true,
      onProgress: ({ rows }) => show(progressLine({ rows, share: null, seconds: (performance.now() - began) / 1_000 })),
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  terminal.result(
    { ...summary(archive), place: storage.place, seconds },
    `${archive.name} in ${storage.place}: ${count(archiveRows(archive.manifest))} rows of ${archive.manifest.tables.length} tables, ` +
      `${megabytes(archiveBytes(archive.manifest))}, ${duration(seconds)}.`,
  );
  if (Object.keys(archive.manifest.retention).length > 0) {
    terminal.note(
      'Bars are forgotten here after a while (set_price_retention): rollups of forgotten bars are in no backup.',
    );
  }
  return EXIT.ok;
}

export async function backupList(target: string | undefined, context: CommandContext): Promise<ExitCode> {
  const config = backupConfig(context.env);
  const storage = openStorage(target ?? config.target, config);
  const { archives, damaged, unfinished } = await listArchives(storage);
  const rows = archives.map((archive) => {
    const { bytes, ...rest } = summary(archive);
    return { ...rest, size: megabytes(bytes) };
  });
  const lines = [
    `Backups in ${storage.place}`,
    table(rows),
    ...damaged.map(({ name, reason }) => `DAMAGED ${name}: ${reason}`),
    ...unfinished.map(({ name }) => `unfinished ${name}`),
  ];
  context.terminal.result(
    { place: storage.place, archives: archives.map(summary), damaged, unfinished: unfinished.map(({ name }) => name) },
    lines.join('\n'),
  );
  return damaged.length === 0 ? EXIT.ok : EXIT.findings;
}

export async function backupVerify(source: string | undefined, context: CommandContext): Promise<ExitCode> {
  const { env, terminal, signal } = context;
  const config = backupConfig(env);
  const { storage, archive } = await findArchive(source ?? config.target, config, context.database);
  const { files, faults } = await terminal.during(`Reading ${archive.name} in ${storage.place}`, (show) =>
    verifyBackup(storage, archive, { signal, onProgress: show }),
  );
  terminal.result(
    { ...summary(archive), files, faults },
    faults.length === 0 ? `${archive.name}: all ${files} files are as they were written.` : faults.join('\n'),
  );
  return faults.length === 0 ? EXIT.ok : EXIT.findings;
}

export async function backupPrune(
  target: string | undefined,
  options: { keep?: string; dryRun?: boolean },
  context: CommandContext,
): Promise<ExitCode> {
  const config = backupConfig(context.env);
  const keep = options.keep === undefined ? config.BACKUP_KEEP : parseKeep(options.keep);
  const storage = openStorage(target ?? config.target, config);
  const dryRun = options.dryRun === true;
  const pruned = await pruneArchives(storage, keep, { dryRun });
  const verb = dryRun ? 'would be removed' : 'removed';
  context.terminal.result(
    { ...pruned, dryRun },
    [
      ...pruned.removed.map((name) => `${name} ${verb}`),
      `${pruned.kept.length} kept, ${pruned.removed.length} ${verb}.`,
    ].join('\n'),
  );
  return EXIT.ok;
}

function parseKeep(text: string) {
  const parsed = KeepRule.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--keep ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}

function summary({ name, manifest }: Archive) {
  const { database, server, madeAt } = manifest;
  return {
    name,
    made: madeAt,
    database: database.name,
    prices: database.source,
    server: server.timescale === null ? server.version : `${server.version} + TimescaleDB ${server.timescale}`,
    rows: archiveRows(manifest),
    bytes: archiveBytes(manifest),
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
