/** `tapecast import FILE|URL|-`: bars, or with --table anything else, from CSV. */
import { hostname, userInfo } from 'node:os';
import { NativeResolution } from '@tapecast/contracts/resolution';
import { readFeed } from '@tapecast/db/feed';
import { type Database } from '@tapecast/db/database';
import { type ScanResult } from '@tapecast/ingest/bar-repair/scan';
import { ImportRefusedError } from '@tapecast/ingest/import/errors';
import {
  importPrices,
  type ImportContext,
  type ImportOptions,
  type ImportReport,
} from '@tapecast/ingest/import/import-prices';
import { importTable, type TableReport } from '@tapecast/ingest/import/import-table';
import { judgeImported } from '@tapecast/ingest/import/judge-imported';
import { FIELDS, type Field } from '@tapecast/ingest/import/layout';
import { openSource } from '@tapecast/ingest/import/source';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { count, duration, progressLine } from '../terminal.ts';
import { describeScan } from './repairs.ts';

export interface ImportCommandOptions {
  ticker?: string;
  resolution?: string;
  map?: string;
  timezone?: string;
  dateFormat?: string;
  delimiter?: string;
  decimal?: string;
  encoding?: string;
  table?: string;
  keepGood?: boolean;
  overwrite?: boolean;
  dryRun?: boolean;
}

export async function importFile(
  what: string,
  options: ImportCommandOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, signal } = context;
  const settings = parseOptions(options);
  return withDatabase(context, async (db, { place }) => {
    const source = await openSource(what, { signal, encoding: options.encoding });
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1_000;
    if (options.table === undefined && (await readFeed(db))?.source === 'simulated') {
      terminal.note(`Mind: ${place} holds simulated prices; --database chooses another one.`);
    }
    try {
      const report = await terminal.during<ImportReport | TableReport>(`Importing ${what} into ${place}`, (show) => {
        const how: ImportContext = {
          db,
          signal,
          startedBy: `${userName()}@${hostname()}`,
          onNote: (note) => {
            terminal.note(note);
            show(note);
          },
          onProgress: ({ phase, rows, bytes, totalBytes }) => {
            if (phase === 'merge') return show(`${count(rows)} rows read, merging …`);
            show(progressLine({ rows, share: totalBytes === null ? null : bytes / totalBytes, seconds: seconds() }));
          },
        };
        const { table } = options;
        return table === undefined
          ? importPrices(source, settings, how)
          : importTable(source, { ...settings, table }, how);
      });
      if ('table' in report) {
        terminal.result({ ...report, seconds: seconds() }, describeTable(report, seconds()));
        return EXIT.ok;
      }
      const loaded = seconds();
      const judged = report.run === null ? null : await judge(db, report, context);
      const text = [describe(report, options, loaded), ...(judged === null ? [] : [describeScan(judged)])].join('\n');
      terminal.result({ ...report, seconds: loaded, judged }, text);
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof ImportRefusedError)) throw error;
      const { rejected, faults, message } = error;
      if (terminal.json) terminal.result({ refused: true, rowsRejected: rejected, faults }, message);
      else terminal.note(message);
      return EXIT.refused;
    }
  });
}

function judge(db: Database, report: ImportReport, { terminal, signal }: CommandContext): Promise<ScanResult> {
  return terminal.during('Judging the imported bars', (show) =>
    judgeImported(db, report, signal, (bars) => show(`${count(bars)} bars judged`)),
  );
}

function describe(report: ImportReport, options: ImportCommandOptions, seconds: number): string {
  const { inserted, updated, rowsIn, rowsKept, rowsRejected, leftToVendor, repeated, forming, run } = report;
  const speed = `${duration(seconds)}, ${count(Math.round(rowsIn / seconds))} rows/s`;
  const would = options.dryRun === true ? 'would be ' : '';
  const lines = [
    inserted + updated === 0
      ? `Nothing ${options.dryRun === true ? 'would change' : 'changed'}: all ${count(rowsKept)} bars are there already (${speed}).`
      : `${count(rowsIn)} rows read: ${count(inserted)} bars ${would}new, ${count(updated)} ${would}changed (${speed}).`,
  ];
  if (leftToVendor > 0) {
    lines.push(
      `${count(leftToVendor)} bars differ from what the vendor gave and stay as they are: --overwrite replaces them.`,
    );
  }
  if (repeated > 0) lines.push(`${count(repeated)} rows repeat an earlier one.`);
  if (forming > 0) lines.push(`${count(forming)} bars have not ended yet and were left to live prices.`);
  if (rowsRejected > 0) {
    lines.push(`${count(rowsRejected)} rows were bad and are in rejected_rows:`);
    for (const { row, column, message } of report.faults.slice(0, 10))
      lines.push(`  row ${row}, column ${column}: ${message}`);
  }
  if (report.resumedAfter > 0)
    lines.push(`An earlier import was cut short and gone on with, after ${count(report.resumedAfter)} rows.`);
  if (run !== null) {
    const trace =
      inserted + updated > 0 ? `: its bars in ${report.target} have the source csv:${run}` : ' in ingest_runs';
    lines.push(`Run ${run}${trace}.`);
  }
  return lines.join('\n');
}

function describeTable({ table, rows, columns, replaced, run }: TableReport, seconds: number): string {
  const list = columns.map(({ name, type }) => `  ${name} ${type}`);
  const verb = replaced ? 'replaced' : 'created';
  return [
    `${count(rows)} rows in ${table} (${verb}, ${duration(seconds)}${run === null ? '' : `, run ${run}`}):`,
    ...list,
  ].join('\n');
}

function parseOptions(options: ImportCommandOptions): ImportOptions {
  const resolution = NativeResolution.optional().safeParse(options.resolution);
  if (!resolution.success)
    throw new UsageError(`--resolution ${options.resolution}: 1m, 1h or 1d. Others are made of these.`);
  const { dateFormat, decimal, delimiter } = options;
  if (dateFormat !== undefined && dateFormat !== 'mdy' && dateFormat !== 'dmy')
    throw new UsageError('--date-format: mdy or dmy.');
  if (decimal !== undefined && decimal !== ',' && decimal !== '.')
    throw new UsageError('--decimal: a comma or a point.');
  const tab = delimiter === '\\t' || delimiter === 'tab' ? '\t' : delimiter;
  if (tab !== undefined && tab.length !== 1) throw new UsageError('--delimiter: one character, or tab.');
  return {
    ticker: options.ticker,
    resolution: resolution.data,
    map: options.map === undefined ? undefined : parseMap(options.map),
    timezone: options.timezone,
    dateOrder: dateFormat,
    delimiter: tab,
    decimalComma: decimal === ',',
    keepGood: options.keepGood,
    overwrite: options.overwrite,
    dryRun: options.dryRun,
  };
}

function parseMap(text: string): Partial<Record<Field, string>> {
  const map: Partial<Record<Field, string>> = {};
  for (const part of text.split(',')) {
    const [field = '', ...rest] = part.split('=');
    const known = FIELDS.find((name) => name === field.trim());
    if (known === undefined || rest.length === 0) {
      throw new UsageError(
        `--map ${part}: write field=column with one of the fields ${FIELDS.join(', ')}, separated by commas.`,
      );
    }
    map[known] = rest.join('=').trim();
  }
  return map;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`; // containers run under ids without a name
  }
}
