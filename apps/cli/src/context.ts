/** What every command gets, and how it gets to the database. */
import { type Database } from '@tapecast/db/database';
import { assertSchema } from '@tapecast/db/migrate';
import { findDatabase, openUnlimited, type FoundDatabase } from './find-database.ts';
import { type Terminal } from './terminal.ts';

export interface CommandContext {
  terminal: Terminal;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** --database */
  database: string | undefined;
}

/**
 * Runs `work` on the database, whose schema must be the one of this version.
 *
 * @throws {SchemaMismatchError | UnavailableError | DatabaseUnavailableError}
 */
export async function withDatabase<T>(
  context: CommandContext,
  work: (db: Database, found: FoundDatabase) => Promise<T>,
): Promise<T> {
  const found = await findDatabase(context.env, context.database);
  const db = openUnlimited(found);
  try {
    await assertSchema(db);
    return await work(db, found);
  } finally {
    await db.close();
  }
}
