/**
 * Bars of a file into the database: read, judged and staged row by row in constant memory, merged last. Unless `keepGood` is said,
 * one bad row keeps the whole file out. A run that was killed goes on where its staged rows end.
 */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Database } from '@tapecast/db/database';
import {
  BAR_COLUMNS,
  mergeStagedBars,
  previewMerge,
  removeDuplicates,
  type MergeOutcome,
} from '@tapecast/db/import-bars';
import { beginRun, endRun, runEnd, type RowFault, type StagedState } from '@tapecast/db/ingest-runs';
import { recordRejections } from '@tapecast/db/rejections';
import { openStaging, type Staging } from '@tapecast/db/staging';
import { listTickers, type TickerRow } from '@tapecast/db/tickers';
import { sessionOf, type Session } from '../sessions.ts';
import { zoneOffset } from '../zoned-time.ts';
import { createRowReader, type FileBar } from './bar-rows.ts';
import { firstBytes, rejoin } from './chunks.ts';
import { ImportError, ImportRefusedError } from './errors.ts';
import { createFaultBook, type FaultBook, type FaultMemory } from './fault-book.ts';
import { recogniseLayout, type Field, type Layout } from './layout.ts';
import { createPrefixHash, type PrefixHash } from './prefix-hash.ts';
import { findResolution, findTicker } from './recognise.ts';
import { findDelimiter, readRecords, type RecordBatch } from './records.ts';
import { type ImportSource } from './source.ts';
import { createTimeParser, type DateOrder } from './times.ts';

export interface ImportOptions {
  ticker?: string | undefined;
  resolution?: NativeResolution | undefined;
  /** The file's column by field, where its name is not known. */
  map?: Partial<Record<Field, string>> | undefined;
  /** IANA zone of times that name none; default UTC. */
  timezone?: string | undefined;
  dateOrder?: DateOrder | undefined;
  delimiter?: string | undefined;
  decimalComma?: boolean | undefined;
  keepGood?: boolean | undefined;
  overwrite?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface ImportProgress {
  phase: 'read' | 'merge';
  rows: number;
  /** Packed bytes, as the source counts them. */
  bytes: number;
  totalBytes: number | null;
}

export interface ImportContext {
  /** Without a statement timeout: a merge of many millions of rows takes minutes. */
  db: Database;
  signal: AbortSignal;
  /** User and host of the program. */
  startedBy: string;
  onProgress?(progress: ImportProgress): void;
  /** What was understood of the file, in words. */
  onNote?(note: string): void;
  /** Milliseconds. */
  now?: () => number;
}

export interface ImportReport extends MergeOutcome {
  /** Null: a dry run. */
  run: number | null;
  /** A killed run was taken up after this many of its rows. */
  resumedAfter: number;
  target: string;
  resolution: NativeResolution;
  fileHash: string;
  rowsIn: number;
  rowsKept: number;
  rowsRejected: number;
  /** Rows that repeat an earlier one, word for word. */
  repeated: number;
  /** Bars that had not ended yet: live prices make them. */
  forming: number;
  faults: readonly RowFault[];
}

/** Rows that are staged between two commits: what a killed run loses at most. */
const CHUNK_ROWS = 100_000;
const HEAD_BYTES = 1 << 16;

/**
 * @throws {ImportError} when the file cannot be read or understood
 * @throws {ImportRefusedError} when rows are bad and `keepGood` was not said
 * @throws {DatabaseUnavailableError}
 */
export async function importPrices(
  source: ImportSource,
  options: ImportOptions,
  context: ImportContext,
): Promise<ImportReport> {
  const { db } = context;
  const known = new Map((await listTickers(db)).map((row) => [row.ticker, row]));
  const opened = await readHead(source, options, context.signal);
  const plan = planFile(source, options, opened.head, known, context);
  const target = `stock_prices_${plan.resolution}`;
  const run = { source: source.name, target, options: { ...options }, startedBy: context.startedBy };
  const staging = await openStaging(
    db,
    { ...run, source: source.repeatable ? source.name : null, columns: BAR_COLUMNS },
    options.dryRun === true ? null : () => beginRun(db, run),
  );
  let keepStaging = false;
  try {
    const read = await stageFile({ source, options, context, plan, staging, text: opened.text });
    return await finish({ plan, staging, options, context, target, read });
  } catch (error) {
    // A signal is like a kill: the next run goes on. So is a lost database.
    keepStaging = context.signal.aborted || !(error instanceof ImportError || error instanceof ImportRefusedError);
    if (!keepStaging && staging.run !== null) {
      const refused = error instanceof ImportRefusedError;
      await endRun(db, staging.run, {
        status: refused ? 'refused' : 'failed',
        error: (error as Error).message.slice(0, 2_000),
        ...(refused ? { rejections: error.faults, rowsRejected: error.rejected, rowsKept: 0, rowsChanged: 0 } : {}),
      });
    }
    throw error;
  } finally {
    await staging.close(!keepStaging || staging.run === null).catch(() => undefined);
  }
}

interface Plan {
  delimiter: string;
  layout: Layout;
  headerRow: number;
  resolution: NativeResolution;
  readRow: ReturnType<typeof createRowReader>;
}

interface Head {
  records: string[][];
  delimiter: string;
}

async function readHead(
  source: ImportSource,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<{ head: Head; text: AsyncGenerator<Buffer> }> {
  const raw = source.open();
  const bytes = await firstBytes(raw, HEAD_BYTES);
  const beginning = bytes.subarray(0, HEAD_BYTES).toString('utf8');
  if (beginning.trim() === '') throw new ImportError('The file is empty.');
  const delimiter = options.delimiter ?? findDelimiter(beginning);
  // The head may end within a record: that one, and whatever is wrong with it, is met again when the whole is read.
  const whole = beginning.slice(0, bytes.length < HEAD_BYTES ? undefined : beginning.lastIndexOf('\n') + 1);
  const records: string[][] = [];
  const lines = (async function* () {
    yield Buffer.from(whole);
  })();
  try {
    for await (const batch of readRecords(lines, { delimiter, signal })) records.push(...batch.records);
  } catch (error) {
    if (!(error instanceof ImportError) || records.length <= 1) throw error;
  }
  return { head: { records, delimiter }, text: rejoin(bytes, raw) };
}

function planFile(
  source: ImportSource,
  options: ImportOptions,
  { records, delimiter }: Head,
  known: ReadonlyMap<string, TickerRow>,
  context: ImportContext,
): Plan {
  const headerRow = records.findIndex((record) => record.some((field) => field.trim() !== ''));
  const layout = recogniseLayout(records[headerRow] ?? [], options.map);
  const sample = records.slice(headerRow + 1);
  const ticker = findTicker({ ticker: options.ticker, fileName: source.fileName }, layout, new Set(known.keys()));
  const parseTime = createTimeParser({ zone: zoneOf(options.timezone), order: options.dateOrder ?? null });
  const resolution = findResolution(
    { resolution: options.resolution, fileName: source.fileName },
    layout,
    sample,
    parseTime,
    headerRow + 2,
  );
  const place = (field: Field) => layout.columns[field] ?? -1;
  const named = sample.find((record) => (record[place('time')] ?? '').trim() !== '');
  const written =
    `${named?.[place('time')] ?? ''} ${layout.columns.clock === undefined ? '' : (named?.[place('clock')] ?? '')}`.trim();
  const zoned = /(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$/.test(written.slice(10)) || /^\d{9,13}$/.test(written);
  if (resolution !== '1d' && !zoned && options.timezone === undefined && layout.kind === 'stooq') {
    throw new ImportError(
      'Times of this file name no zone, and Stooq has several: say --timezone, such as Europe/Warsaw.',
    );
  }
  const zoneNote =
    resolution === '1d'
      ? 'dates are the exchange\u2019s'
      : zoned
        ? 'times name their zone'
        : `times are read as ${options.timezone ?? 'UTC (--timezone says otherwise)'}`;
  context.onNote?.(
    `${layout.kind === 'other' ? 'CSV' : `CSV as of ${layout.kind}`}: ${resolution} bars of ${ticker ?? 'the tickers in the file'}; ${zoneNote}` +
      (layout.ignored.length > 0 ? `; not read: ${layout.ignored.join(', ')}` : ''),
  );
  const sessions = new Map<string, Session | null>();
  const readRow = createRowReader({
    layout,
    resolution,
    ticker,
    dropCountry: layout.kind === 'stooq',
    decimalComma: options.decimalComma === true,
    parseTime,
    now: (context.now ?? Date.now)() / 1_000,
    sessionOf: (name) => {
      const remembered = sessions.get(name);
      if (remembered !== undefined) return remembered;
      const row = known.get(name);
      const session = row === undefined || row.sessionOpen === null ? null : sessionOf(row);
      sessions.set(name, session);
      return session;
    },
  });
  return { delimiter, layout, headerRow: headerRow + 1, resolution, readRow };
}

function zoneOf(timezone: string | undefined): ReturnType<typeof zoneOffset> {
  try {
    return zoneOffset(timezone ?? 'UTC');
  } catch (cause) {
    throw new ImportError(`--timezone ${timezone ?? ''} is not known: use a name such as America/New_York.`, { cause });
  }
}

/** Counts that survive a kill, with the staged rows. */
interface Memory {
  rowsIn: number;
  forming: number;
  book: FaultMemory;
}

interface ReadResult {
  rowsIn: number;
  forming: number;
  fileHash: string;
  resumedAfter: number;
  /** Rows came out of order: the same bar may be there twice. */
  unsorted: boolean;
  book: FaultBook;
}

interface Stage {
  source: ImportSource;
  options: ImportOptions;
  context: ImportContext;
  plan: Plan;
  staging: Staging;
  text: AsyncGenerator<Buffer>;
}

async function stageFile(stage: Stage): Promise<ReadResult> {
  const { staging, source } = stage;
  const hash = createPrefixHash();
  if (staging.staged === null) return stageRows(stage, hash, hash.watch(stage.text), null);
  const rest = await skipStaged(hash.watch(stage.text), hash, staging.staged);
  if (rest !== null) return stageRows(stage, hash, rest, staging.staged);
  // The file is not what it was when the run was killed.
  await staging.reset();
  const anew = createPrefixHash();
  return stageRows(stage, anew, anew.watch(source.open()), null);
}

/** @returns what follows the staged part; null when the text is another one */
async function skipStaged(
  text: AsyncGenerator<Buffer>,
  hash: PrefixHash,
  staged: StagedState,
): Promise<AsyncGenerator<Buffer> | null> {
  let skipped = 0;
  for (;;) {
    const { done, value } = await text.next();
    if (done === true) return skipped === staged.bytes && hash.at(skipped) === staged.hash ? text : null;
    if (skipped + value.length < staged.bytes) {
      skipped += value.length;
      hash.at(skipped);
      continue;
    }
    if (hash.at(staged.bytes) !== staged.hash) return null;
    return rejoin(value.subarray(staged.bytes - skipped), text);
  }
}

async function stageRows(
  { source, options, context, plan, staging }: Stage,
  hash: PrefixHash,
  text: AsyncGenerator<Buffer>,
  from: StagedState | null,
): Promise<ReadResult> {
  const before = from?.memory as Memory | undefined;
  const counts = { rowsIn: before?.rowsIn ?? 0, forming: before?.forming ?? 0 };
  const book = createFaultBook(plan.resolution, before?.book);
  const newest = new Map<string, number>();
  let unsorted = from !== null;
  let stagedRows = from?.rows ?? 0;
  let lastRow = from?.row ?? 0;
  let chunk = staging.chunk();
  let inChunk = 0;
  const offset = from?.bytes ?? 0;

  const judge = (batch: RecordBatch): string => {
    let lines = '';
    for (const [index, record] of batch.records.entries()) {
      const row = batch.firstRow + index;
      if (row <= plan.headerRow) continue;
      const verdict = plan.readRow(record);
      if (verdict === 'blank') continue;
      counts.rowsIn += 1;
      if (verdict === 'forming') counts.forming += 1;
      else if ('fault' in verdict) book.add({ row, ...verdict.fault }, record);
      else if (book.total() === 0 || options.keepGood === true) {
        const { bar } = verdict;
        if (bar.time <= (newest.get(bar.ticker) ?? Number.NEGATIVE_INFINITY)) unsorted = true;
        newest.set(bar.ticker, bar.time);
        stagedRows += 1;
        inChunk += 1;
        lines += copyLine(row, bar);
      }
    }
    lastRow = batch.firstRow + batch.records.length - 1;
    return lines;
  };

  try {
    const records = readRecords(text, {
      delimiter: plan.delimiter,
      startRow: lastRow + 1,
      header: plan.layout.header,
      signal: context.signal,
    });
    for await (const batch of records) {
      await chunk.write(judge(batch));
      context.onProgress?.({ phase: 'read', rows: counts.rowsIn, bytes: source.read(), totalBytes: source.size });
      if (inChunk < CHUNK_ROWS || batch.bytes === null) continue;
      const bytes = offset + batch.bytes;
      const memory: Memory = { ...counts, book: book.memory() };
      await chunk.commit({ bytes, hash: hash.at(bytes), row: lastRow, rows: stagedRows, memory });
      chunk = staging.chunk();
      inChunk = 0;
    }
  } catch (error) {
    if (!(error instanceof ImportError) || /^row \d/.test(error.message)) throw error;
    // The bytes ended or broke: after this row nothing can be read.
    throw new ImportError(`row ${lastRow + 1}, column ${plan.layout.header[0] ?? '1'}: ${error.message}`, {
      cause: error,
    });
  }
  const { bytes, hash: fileHash } = hash.whole();
  const memory: Memory = { ...counts, book: book.memory() };
  await chunk.commit({ bytes, hash: fileHash, row: lastRow, rows: stagedRows, memory });
  return { ...counts, fileHash, resumedAfter: from?.rows ?? 0, unsorted, book };
}

function copyLine(row: number, bar: FileBar): string {
  const { time, ticker, open, high, low, close, closeAdj, volume } = bar;
  return `${row}\t${time}\t${ticker}\t${open}\t${high}\t${low}\t${close}\t${closeAdj ?? '\\N'}\t${volume ?? '\\N'}\n`;
}

async function finish(parts: {
  plan: Plan;
  staging: Staging;
  options: ImportOptions;
  context: ImportContext;
  target: string;
  read: ReadResult;
}): Promise<ImportReport> {
  const { plan, staging, options, context, target, read } = parts;
  const { book } = read;
  let repeated = 0;
  if (read.unsorted && (book.total() === 0 || options.keepGood === true)) {
    const { equal, contradicting } = await removeDuplicates(staging);
    repeated = equal;
    const column = plan.layout.header[plan.layout.columns.time ?? 0] ?? 'time';
    for (const { row, ticker, firstRow } of contradicting) {
      const message = `row ${firstRow} gives the same bar other values`;
      book.add({ row, column, message, reason: 'contradicting_rows', ticker }, null);
    }
  }
  const faults = book.first();
  if (book.total() > 0 && options.keepGood !== true) throw new ImportRefusedError(faults, book.total());
  if (read.rowsIn === 0) throw new ImportError('The file has a first line with names, and no rows.');
  context.onProgress?.({ phase: 'merge', rows: read.rowsIn, bytes: 0, totalBytes: null });
  const how = { resolution: plan.resolution, overwrite: options.overwrite === true };
  const counts = {
    rowsIn: read.rowsIn,
    rowsKept: read.rowsIn - book.total() - read.forming,
    rowsRejected: book.total(),
  };
  const { run } = staging;
  const outcome =
    run === null
      ? await previewMerge(staging, how)
      : await mergeStagedBars(staging, how, ({ inserted, updated }) =>
          runEnd(run, {
            status: 'done',
            fileHash: read.fileHash,
            ...counts,
            rowsChanged: inserted + updated,
            rejections: faults,
          }),
        );
  if (run !== null) await recordRejections(context.db, book.folded(run));
  return {
    ...outcome,
    ...counts,
    run,
    resumedAfter: read.resumedAfter,
    target,
    resolution: plan.resolution,
    fileHash: read.fileHash,
    repeated,
    forming: read.forming,
    faults,
  };
}
