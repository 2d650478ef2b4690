/** `tapecast db up|down|status|new`: the schema, by its migrations. */
import { openDatabase } from '@tapecast/db/database';
import { inspectServer } from '@tapecast/db/inspect';
import { CORE_MIGRATIONS, dbmate, migrate, TIMESCALE_MIGRATIONS, type MigrationSet } from '@tapecast/db/migrate';
import { setRolePasswords } from '@tapecast/db/roles';
import { moveToTimescale } from '@tapecast/db/timescale-move';
import { loadConfig } from '@tapecast/runtime/config';
import { z } from 'zod';
import { type CommandContext } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { findDatabase } from '../find-database.ts';

/** Passwords of the services' own logins, for a deployment whose services do not share the owner's. */
const Logins = z.object({
  INGESTOR_PASSWORD: z.string({ error: 'is needed with --logins' }),
  FORECASTER_PASSWORD: z.string({ error: 'is needed with --logins' }),
  WEB_PASSWORD: z.string({ error: 'is needed with --logins' }),
});

export async function dbUp(options: { logins: boolean }, context: CommandContext): Promise<ExitCode> {
  const logins = options.logins ? loadConfig(Logins, context.env) : null;
  const { url, place } = await findDatabase(context.env, context.database);
  const { timescale } = await context.terminal.during(`Migrating ${place}`, () => migrate({ url }));
  if (logins !== null) {
    const passwords = {
      tapecast_ingestor: logins.INGESTOR_PASSWORD,
      tapecast_forecaster: logins.FORECASTER_PASSWORD,
      tapecast_web: logins.WEB_PASSWORD,
    };
    await setRolePasswords({ url, passwords });
  }
  const kind = timescale === null ? 'plain PostgreSQL' : `TimescaleDB ${timescale}`;
  context.terminal.result({ database: place, timescale }, `${place} has the newest schema (${kind}).`);
  return EXIT.ok;
}

export async function dbDown(options: { set: string; yes: boolean }, context: CommandContext): Promise<ExitCode> {
  if (!options.yes) {
    throw new UsageError('Undoing a migration may drop tables with all that is in them: say --yes, and have a backup.');
  }
  const { url, place } = await findDatabase(context.env, context.database);
  const said = await dbmate(url, setNamed(options.set), ['rollback']);
  context.terminal.result({ database: place, said: said.trim() }, said.trim());
  return EXIT.ok;
}

export async function dbMoveToTimescale(context: CommandContext): Promise<ExitCode> {
  const { url, place } = await findDatabase(context.env, context.database);
  const result = await context.terminal.during(`Moving ${place} to TimescaleDB`, () => moveToTimescale({ url }));
  const total = Object.values(result.rows).reduce((sum, rows) => sum + rows, 0);
  const said = result.moved ? 'now runs' : 'ran already';
  context.terminal.result(
    { database: place, ...result },
    `${place} ${said} TimescaleDB ${result.extension}, with all its ${total.toLocaleString('en-US')} bars.`,
  );
  return EXIT.ok;
}

export async function dbStatus(context: CommandContext): Promise<ExitCode> {
  const { url, place } = await findDatabase(context.env, context.database);
  const db = openDatabase({ url, applicationName: 'tapecast cli', maxConnections: 1 });
  const { timescale, version } = await inspectServer(db).finally(() => db.close());
  const sets = timescale === null ? [CORE_MIGRATIONS] : [CORE_MIGRATIONS, TIMESCALE_MIGRATIONS];
  const migrations: { set: string; name: string; applied: boolean }[] = [];
  for (const set of sets) {
    const said = await dbmate(url, set, ['status']);
    for (const [, mark, name = ''] of said.matchAll(/^\[(X| )\] (\S+)$/gm)) {
      migrations.push({ set: set.name, name, applied: mark === 'X' });
    }
  }
  const pending = migrations.filter(({ applied }) => !applied).length;
  const lines = migrations.map(({ set, name, applied }) => `${applied ? 'applied' : 'PENDING'}  ${set}/${name}`);
  const advice = pending === 0 ? 'The schema is up to date.' : `${pending} pending: run tapecast db up.`;
  context.terminal.result(
    { database: place, server: version, timescale, migrations, pending },
    [`${place}, PostgreSQL ${version}${timescale === null ? '' : `, TimescaleDB ${timescale}`}`, ...lines, advice].join(
      '\n',
    ),
  );
  return pending === 0 ? EXIT.ok : EXIT.findings;
}

export async function dbNew(name: string, options: { set: string }, context: CommandContext): Promise<ExitCode> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new UsageError(`"${name}": name a migration in lower case with underscores, such as add_exchange_holidays.`);
  }
  const said = await dbmate('postgres://unused@localhost/unused', setNamed(options.set), ['new', name]);
  const file = /: (\S+\.sql)/.exec(said)?.[1] ?? said.trim();
  context.terminal.result({ file }, `Created ${file}`);
  return EXIT.ok;
}

function setNamed(name: string): MigrationSet {
  if (name === 'core') return CORE_MIGRATIONS;
  if (name === 'timescale') return TIMESCALE_MIGRATIONS;
  throw new UsageError(`--set ${name}: core or timescale.`);
}
