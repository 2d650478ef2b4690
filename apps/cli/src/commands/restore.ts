/** `tapecast restore [SOURCE]`: a backup into an empty database, in the place of one, or for a drill. */
import { drillRestore } from '@tapecast/backup/drill';
import { findArchive } from '@tapecast/backup/find-archive';
import { restoreBackup, restoreInPlace } from '@tapecast/backup/restore-backup';
import { databaseNamed } from '@tapecast/db/archive/databases';
import { type CommandContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { findDatabase } from '../find-database.ts';
import { count, duration } from '../terminal.ts';
import { backupConfig } from './backup.ts';

export interface RestoreCommandOptions {
  into?: string;
  swap?: boolean;
  drill?: boolean;
  compare?: boolean;
}

export async function restore(
  source: string | undefined,
  options: RestoreCommandOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { into, swap = false, drill = false, compare = false } = options;
  if ([into !== undefined, swap, drill].filter(Boolean).length > 1) {
    throw new UsageError('--into, --swap and --drill exclude each other.');
  }
  if (source === undefined && !drill)
    throw new UsageError('Name the backup: its folder, or a place of which the newest is taken.');
  const { env, terminal, signal } = context;
  const config = backupConfig(env);
  const found = await findDatabase(env, context.database);
  const { storage, archive } = await findArchive(source ?? config.target, config);
  const began = performance.now();
  const title = drill ? `Trying ${archive.name} on ${found.place}` : `Restoring ${archive.name}`;
  const result = await terminal.during(title, async (show) => {
    const common = { storage, archive, signal, onProgress: show };
    if (drill) return { ...(await drillRestore({ ...common, url: found.url })), aside: undefined };
    const url = into === undefined ? found.url : databaseNamed(found.url, into);
    if (swap) return restoreInPlace({ ...common, url, compare });
    return { ...(await restoreBackup({ ...common, url, compare })), aside: undefined };
  });
  const seconds = (performance.now() - began) / 1_000;
  const rows = `${count(result.rows)} rows of ${result.tables} tables`;
  terminal.result(
    { archive: archive.name, ...result, drill, seconds },
    drill
      ? `${archive.name} can be restored: ${rows} came back and are equal (${duration(seconds)}). The database of the drill is gone again.`
      : [
          `${archive.name} is in ${result.database}: ${rows} (${duration(seconds)}), with a new epoch.`,
          ...(result.aside === undefined
            ? []
            : [`The database that was there is now ${result.aside}; drop it when you do not need it.`]),
        ].join('\n'),
  );
  return EXIT.ok;
}
