/** From an error to an exit code and words: named errors say what to do by themselves, others show where they come from. */
import { BackupError } from '@tapecast/backup/errors';
import { DatabaseRightsError } from '@tapecast/db/archive/databases';
import { ArchiveTableError } from '@tapecast/db/archive/load';
import { DatabaseUnavailableError, MigrationError, SchemaMismatchError } from '@tapecast/db/errors';
import { RepairNotStandingError } from '@tapecast/db/repair-cases';
import { TableInUseError } from '@tapecast/db/import-table';
import { ImportError } from '@tapecast/ingest/import/errors';
import { LeaseHeldError } from '@tapecast/ingest/held-lease';
import { MixedSourcesError } from '@tapecast/ingest/sources/open-source';
import { QueueUnavailableError } from '@tapecast/queue/errors';
import { ConfigError } from '@tapecast/runtime/config';
import { EXIT, UnavailableError, UsageError, type ExitCode } from './exit-codes.ts';

/** The command line or a setting is wrong. */
const WRONG_USE = [UsageError, ConfigError, RepairNotStandingError, MixedSourcesError];

/** Something that the command needs cannot be had. */
const NOT_NOW = [UnavailableError, DatabaseRightsError, LeaseHeldError, QueueUnavailableError];

/** What was asked for was not done, for a reason that lies in what was given. */
const REFUSED = [ImportError, TableInUseError, BackupError, ArchiveTableError];

export function explain(error: unknown): { code: ExitCode; message: string } {
  if (!(error instanceof Error)) return { code: EXIT.failed, message: String(error) };
  if (WRONG_USE.some((kind) => error instanceof kind)) return { code: EXIT.usage, message: error.message };
  if (REFUSED.some((kind) => error instanceof kind)) return { code: EXIT.refused, message: error.message };
  if (NOT_NOW.some((kind) => error instanceof kind)) return { code: EXIT.unavailable, message: error.message };
  if (error instanceof DatabaseUnavailableError || 'code' in error) {
    const inner = error instanceof DatabaseUnavailableError && error.cause instanceof Error ? error.cause : error;
    const words = wordsFor(inner);
    if (words !== null) return { code: EXIT.unavailable, message: words };
    if (error instanceof DatabaseUnavailableError)
      return { code: EXIT.unavailable, message: `${error.message} (${inner.message})` };
    return { code: EXIT.failed, message: `The database refused: ${error.message}` };
  }
  if (error instanceof SchemaMismatchError) {
    return {
      code: EXIT.unavailable,
      message: `${error.message}\ntapecast db up brings the database to the newest schema.`,
    };
  }
  if (error instanceof MigrationError) return { code: EXIT.failed, message: error.message };
  return { code: EXIT.failed, message: error.stack ?? error.message };
}

/** PostgreSQL's codes of a connection that is refused. */
function wordsFor(error: Error): string | null {
  const code = 'code' in error ? error.code : undefined;
  if (code === '28P01' || code === '28000')
    return `The database refuses the login of DATABASE_URL (${error.message}): check user and password.`;
  if (code === '3D000') return `${error.message}: create it, or name another one with --database.`;
  if (code === '42501')
    return `The login of DATABASE_URL may not do this (${error.message}): use the owner of the database, or tapecast_ingestor.`;
  return null;
}
