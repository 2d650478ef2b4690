/** The command line: every command, its options and its help. */
import { Command, CommanderError } from 'commander';
import { type CommandContext } from './context.ts';
import { backfill } from './commands/backfill.ts';
import { backup, backupList, backupPrune, backupVerify } from './commands/backup.ts';
import { dbDown, dbMoveToTimescale, dbNew, dbStatus, dbUp } from './commands/db.ts';
import { doctor } from './commands/doctor.ts';
import { exportPrices, type ExportOptions } from './commands/export.ts';
import { showGaps } from './commands/gaps.ts';
import { importFile, type ImportCommandOptions } from './commands/import.ts';
import { listJobs, retryJobs, type JobsListOptions, type JobsRetryOptions } from './commands/jobs.ts';
import { listAllRepairs, scanBars, showRepair, undoOne, type RepairListOptions } from './commands/repairs.ts';
import { restore, type RestoreCommandOptions } from './commands/restore.ts';
import { tail, type TailOptions } from './commands/tail.ts';
import { addTickers, removeTickers, showTickers } from './commands/tickers.ts';
import { explain } from './explain.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type HistoryOptions } from './history.ts';
import { openTerminal } from './terminal.ts';

export interface ProgramOptions {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** Runs what the arguments say and answers with the exit code; what went wrong has been told. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = buildProgram(options, (ended) => (code = ended));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has told it
    if (options.signal.aborted) return EXIT.interrupted;
    const { code: exit, message } = explain(error);
    const json = args.includes('--json');
    if (json) process.stdout.write(`${JSON.stringify({ error: message, exitCode: exit })}\n`);
    else process.stderr.write(`${message}\n`);
    return exit;
  }
}

const PLACES =
  'A place is a folder or s3://bucket/prefix (S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, or these with _FILE);\n' +
  'default: BACKUP_TARGET, else backups in DATA_DIR.';

function buildProgram({ env, signal }: ProgramOptions, end: (code: ExitCode) => void): Command {
  const program = new Command('tapecast')
    .description('Loads, shows and looks after the prices of a Tapecast database.')
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .addHelpText(
      'after',
      '\nThe database is the one of DATABASE_URL (or POSTGRES_HOST …), else the one that npm start runs in DATA_DIR.\n' +
        'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 file or backup refused,\n' +
        '4 database, web service or vendor not reached,\n' +
        '5 something found that is not as it should be, 130 interrupted.',
    );

  /** Every command ends here, with the options that all of them share. */
  const run = <T extends object>(
    command: Command,
    action: (context: CommandContext, options: T, args: string[]) => Promise<ExitCode>,
  ) =>
    command
      .option('--json', 'print JSON only, for programs')
      .option('--database <name>', 'another database of the same server')
      .action(async () => {
        const options = command.opts<T & { json?: boolean; database?: string }>();
        const context = { terminal: openTerminal(options.json === true), env, signal, database: options.database };
        end(await action(context, options, command.args));
      });

  const db = program.command('db').description('the schema');
  run<{ logins?: boolean }>(
    db
      .command('up')
      .description('bring the database to the newest schema')
      .option('--logins', 'then let the services log in with WEB_PASSWORD, INGESTOR_PASSWORD, FORECASTER_PASSWORD'),
    (context, { logins }) => dbUp({ logins: logins === true }, context),
  );
  run<{ set: string; yes?: boolean }>(
    db
      .command('down')
      .description('undo the newest migration')
      .option('--set <name>', 'core or timescale', 'core')
      .option('--yes', 'even though tables and rows may go with it'),
    (context, { set, yes }) => dbDown({ set, yes: yes === true }, context),
  );
  run(
    db.command('move-to-timescale').description('turn a plain database into one of TimescaleDB, without losing a row'),
    dbMoveToTimescale,
  );
  run(db.command('status').description('what is applied and what is pending (exit 5)'), dbStatus);
  run<{ set: string }>(
    db
      .command('new <name>')
      .description('make an empty migration file')
      .option('--set <name>', 'core or timescale', 'core'),
    (context, options, [name = '']) => dbNew(name, options, context),
  );

  run<ImportCommandOptions>(
    program
      .command('import <file>')
      .description('load bars from CSV: a file, a URL, or - for standard input; plain or gzip')
      .option('--ticker <ticker>', 'whose bars, where neither a column nor the file name tells')
      .option('--resolution <width>', '1m, 1h or 1d; default: told by the rows')
      .option('--map <pairs>', 'columns with other names, as time=Datum,close=Schluss')
      .option('--timezone <zone>', 'of times that name none, as America/New_York (default UTC)')
      .option('--date-format <order>', 'mdy or dmy, for dates such as 01/02/2024')
      .option('--delimiter <character>', 'default: the one of the first line')
      .option('--decimal <character>', 'comma or point', '.')
      .option('--encoding <name>', 'such as windows-1252; default UTF-8, or as the byte order mark says')
      .option('--keep-good', 'keep good rows although others are bad; those go to rejected_rows')
      .option('--overwrite', 'replace bars that the vendor gave, too')
      .option('--dry-run', 'judge the file and say what would change, and change nothing')
      .option('--table <name>', 'load any CSV into imports.<name> instead, with types told by its rows'),
    (context, options, [file = '']) => importFile(file, options, context),
  );
  run<ExportOptions>(
    program
      .command('export [tickers...]')
      .description('write bars as CSV, of all tickers if none is named')
      .option('--resolution <width>', '1m, 5m, 15m, 1h, 1d or 1w', '1d')
      .option('--from <time>', '2024-01-31, 2024-01-31T15:30:00Z or Unix seconds')
      .option('--to <time>', 'the same, included')
      .option('-o, --output <file>', 'default: standard output; a name with .gz is packed'),
    (context, options, tickers) => exportPrices(tickers, options, context),
  );

  const backups = program
    .command('backup')
    .description('put everything into an archive, a folder or S3, that any supported server can restore')
    .addHelpText('after', `\n${PLACES}`);
  run<{ pgDump?: boolean }>(
    backups
      .command('make [target]', { isDefault: true })
      .description('make one (the word may be left out)')
      .option('--pg-dump', "add pg_dump's format of the same moment; needs a pg_dump as new as the server")
      .addHelpText('after', `\n${PLACES}`),
    (context, options, [target]) => backup(target, options, context),
  );
  run(backups.command('list [target]').description('the backups of a place'), (context, _options, [target]) =>
    backupList(target, context),
  );
  run(
    backups
      .command('verify [source]')
      .description('read a backup, or the newest of a place, and check every file (exit 5)'),
    (context, _options, [source]) => backupVerify(source, context),
  );
  run<{ keep?: string; dryRun?: boolean }>(
    backups
      .command('prune [target]')
      .description('remove those whose time is over')
      .option('--keep <rule>', 'such as daily:7,weekly:4,monthly:6 (default: BACKUP_KEEP)')
      .option('--dry-run', 'only say which'),
    (context, options, [target]) => backupPrune(target, options, context),
  );
  run<RestoreCommandOptions>(
    program
      .command('restore [source]')
      .description('bring a backup, or the newest of a place, back into an empty database')
      .option('--into <name>', 'another database of the same server, created where it is missing')
      .option('--swap', 'put it in the place of the database in one step; the old one stays under another name')
      .option('--compare', 'read every row back and compare it with the backup')
      .option('--drill', 'only try it: into a database of its own, compared, and dropped')
      .addHelpText('after', `\n${PLACES}`),
    (context, options, [source]) => restore(source, options, context),
  );

  const historyOptions = (command: Command) =>
    command
      .option('--resolution <width>', '1m, 1h or 1d; default: all three')
      .option('--from <time>', 'where to begin; default: where the stored history begins, or the usual depth back');
  run<HistoryOptions>(
    historyOptions(program.command('gaps [tickers...]'))
      .description('bars of the exchanges’ sessions that are missing, of all polled tickers if none is named (exit 5)')
      .option('--again', 'count what the vendor was asked for and has not, too'),
    (context, options, names) => showGaps(names, options, context),
  );
  run<HistoryOptions>(
    historyOptions(program.command('backfill [tickers...]'))
      .description('fetch what is missing, of all polled tickers if none is named')
      .option('--again', 'ask once more for what the vendor had not'),
    (context, options, names) => backfill(names, options, context),
  );

  const tickers = program.command('tickers').description('what is polled');
  run(tickers.command('add <tickers...>').description('poll these too'), (context, _options, names) =>
    addTickers(names, context),
  );
  run(
    tickers.command('remove <tickers...>').description('poll these no longer; their history stays'),
    (context, _options, names) => removeTickers(names, context),
  );
  run(tickers.command('list').description('all that the database knows'), showTickers);

  const repairs = program.command('repairs').description('bars that cannot be right, and what was made of them');
  run<RepairListOptions>(
    repairs
      .command('list [tickers...]')
      .description('repaired and flagged bars')
      .option('--all', 'those that were undone, settled or superseded, too'),
    (context, options, names) => listAllRepairs(names, options, context),
  );
  run(
    repairs.command('show <id>').description('one of them: the bar as it came and as it is'),
    (context, _options, [id = '']) => showRepair(id, context),
  );
  run(
    repairs.command('undo <ids...>').description('put bars back as they came; flagged ones are accepted as they are'),
    (context, _options, ids) => undoOne(ids, context),
  );
  run<{ resolution?: string }>(
    repairs
      .command('scan [tickers...]')
      .description('judge all stored bars, as every import does its own')
      .option('--resolution <width>', '1m, 1h or 1d; default: all'),
    (context, options, names) => scanBars(names, options, context),
  );

  const jobs = program.command('jobs').description('what the services have to do, and what failed');
  run<JobsListOptions>(
    jobs
      .command('list')
      .description('jobs that failed for good, with their reasons (exit 5 if there are any), or others')
      .option('--queue <name>', 'one queue only')
      .option('--state <states>', 'waiting, active, delayed, completed, failed; several by comma', 'failed')
      .option('--limit <jobs>', 'at most so many of each queue and state, the newest', '50'),
    (context, options) => listJobs(options, context),
  );
  run<JobsRetryOptions>(
    jobs
      .command('retry [ids...]')
      .description('try jobs that failed for good again')
      .option('--all', 'all that failed')
      .option('--queue <name>', 'one queue only'),
    (context, options, ids) => retryJobs(ids, options, context),
  );

  run<TailOptions>(
    program
      .command('tail <tickers...>')
      .description('follow changes as they happen, from the running web service')
      .option('--resolution <width>', '1m, 5m, 15m, 1h, 1d or 1w', '1m')
      .option('--last <bars>', 'begin with this many bars that are there', '1')
      .option('--count <changes>', 'end after this many')
      .option('--origin <url>', 'default: http://HOST:PORT and BASE_PATH of the settings'),
    (context, options, names) => tail(names, options, context),
  );
  run(program.command('doctor').description('check every dependency and setting, and say what to do (exit 5)'), doctor);
  return program;
}
