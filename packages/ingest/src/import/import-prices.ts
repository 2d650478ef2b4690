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
import { beginRun, endRun, runEnd, type RowFault } from '@tapecast/db/ingest-runs';
import { recordRejections } from '@tapecast/db/rejections';
import { openStaging, type Staging } from '@tapecast/db/staging';
import { listTickers } from '@tapecast/db/tickers';
import { ImportError, ImportRefusedError } from './errors.ts';
import { planFile, readHead, type ReadOptions, type ReadPlan } from './read-plan.ts';
import { type ImportSource } from './source.ts';
import { stageFile, type StagedFile } from './stage-bars.ts';

export interface ImportOptions extends ReadOptions {
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
  const plan = planFile(source, options, opened.head, known, (context.now ?? Date.now)() / 1_000);
  context.onNote?.(plan.note);
  const target = `stock_prices_${plan.resolution}`;
  const run = { source: source.name, target, options: { ...options }, startedBy: context.startedBy };
  const staging = await openStaging(
    db,
    { ...run, source: source.repeatable ? source.name : null, columns: BAR_COLUMNS, format: 'binary' },
    options.dryRun === true ? null : () => beginRun(db, run),
  );
  let keepStaging = false;
  try {
    const read = await stageFile({
      source,
      plan,
      staging,
      text: opened.text,
      keepGood: options.keepGood === true,
      signal: context.signal,
      onRows: (rows) => context.onProgress?.({ phase: 'read', rows, bytes: source.read(), totalBytes: source.size }),
    });
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

async function finish(parts: {
  plan: ReadPlan;
  staging: Staging;
  options: ImportOptions;
  context: ImportContext;
  target: string;
  read: StagedFile;
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
