/** Any CSV into `imports.NAME`: staged as text, typed by what all of its rows are, then put in place at once. */
import { replaceTable, stagedName, type TableColumn } from '@tapecast/db/import-table';
import { beginRun, endRun, runEnd, type RowFault } from '@tapecast/db/ingest-runs';
import { openStaging, type Staging } from '@tapecast/db/staging';
import { firstBytes, rejoin } from './chunks.ts';
import { ImportError, ImportRefusedError } from './errors.ts';
import { type ImportContext } from './import-prices.ts';
import { createColumnTypes } from './infer-types.ts';
import { createPrefixHash } from './prefix-hash.ts';
import { findDelimiter, readRecords } from './records.ts';
import { type ImportSource } from './source.ts';

export interface TableOptions {
  table: string;
  delimiter?: string | undefined;
  keepGood?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface TableReport {
  /** Null: a dry run. */
  run: number | null;
  table: string;
  columns: TableColumn[];
  rows: number;
  rowsRejected: number;
  fileHash: string;
  /** A table of this name was there before. */
  replaced: boolean;
  faults: readonly RowFault[];
}

const HEAD_BYTES = 1 << 16;
const CHUNK_ROWS = 100_000;
const MOST_COLUMNS = 1_000;
const SHOWN_FAULTS = 100;

/**
 * A second import of the same name replaces the first.
 *
 * @throws {ImportError | ImportRefusedError | TableInUseError | DatabaseUnavailableError}
 */
export async function importTable(
  source: ImportSource,
  options: TableOptions,
  context: ImportContext,
): Promise<TableReport> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(options.table)) {
    throw new ImportError(`--table ${options.table}: a name of a-z, 0-9 and _ that begins with a letter.`);
  }
  const raw = source.open();
  const head = await firstBytes(raw, HEAD_BYTES);
  const beginning = head.toString('utf8');
  if (beginning.trim() === '') throw new ImportError('The file is empty.');
  const delimiter = options.delimiter ?? findDelimiter(beginning);
  const header = await readHeader(head, delimiter, context.signal);
  const names = columnNames(header);
  const target = `imports.${options.table}`;
  const run = { source: source.name, target, options: { ...options }, startedBy: context.startedBy };
  const staging = await openStaging(
    context.db,
    {
      ...run,
      source: null,
      format: 'text',
      columns: names.map((_, place) => ({ name: stagedName(place), type: 'text' as const })),
    },
    options.dryRun === true ? null : () => beginRun(context.db, run),
  );
  try {
    return await load({ source, options, context, staging, delimiter, header, names, text: rejoin(head, raw) });
  } catch (error) {
    if (staging.run !== null) {
      const refused = error instanceof ImportRefusedError;
      await endRun(context.db, staging.run, {
        status: refused ? 'refused' : context.signal.aborted ? 'interrupted' : 'failed',
        error: (error instanceof Error ? error.message : String(error)).slice(0, 2_000),
        ...(refused ? { rejections: error.faults, rowsRejected: error.rejected } : {}),
      }).catch(() => undefined); // a database that is gone is what `error` says
    }
    throw error;
  } finally {
    await staging.close(true).catch(() => undefined);
  }
}

async function readHeader(head: Buffer, delimiter: string, signal: AbortSignal): Promise<string[]> {
  const text = (async function* () {
    yield head;
  })();
  for await (const { records } of readRecords(text, { delimiter, signal })) {
    const first = records.find((record) => record.some((field) => field.trim() !== ''));
    if (first !== undefined) return first;
  }
  throw new ImportError('The file has no first line with names.');
}

/** Names that SQL takes without quotes, each once. */
export function columnNames(header: readonly string[]): string[] {
  if (header.length > MOST_COLUMNS) {
    throw new ImportError(`The file has ${header.length} columns; a table takes ${MOST_COLUMNS}.`);
  }
  const used = new Set<string>();
  return header.map((written, place) => {
    const plain = written
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
      .slice(0, 50);
    const begun = plain === '' ? `column_${place + 1}` : /^\d/.test(plain) ? `c_${plain}` : plain;
    let name = begun;
    for (let number = 2; used.has(name); number++) name = `${begun}_${number}`;
    used.add(name);
    return name;
  });
}

async function load(parts: {
  source: ImportSource;
  options: TableOptions;
  context: ImportContext;
  staging: Staging;
  delimiter: string;
  header: string[];
  names: string[];
  text: AsyncGenerator<Buffer>;
}): Promise<TableReport> {
  const { source, options, context, staging, header, names } = parts;
  const hash = createPrefixHash();
  const types = createColumnTypes(names.length);
  const faults: RowFault[] = [];
  let rejected = 0;
  let rows = 0;
  let inChunk = 0;
  let lastRow = 0;
  let headerSeen = false;
  let chunk = staging.chunk();
  const state = () => ({ bytes: 0, hash: '', row: lastRow, rows, memory: null });
  try {
    for await (const batch of readRecords(hash.watch(parts.text), {
      delimiter: parts.delimiter,
      header,
      signal: context.signal,
    })) {
      let lines = '';
      for (const [index, record] of batch.records.entries()) {
        if (record.every((field) => field.trim() === '') && (record.length === 1 || !headerSeen)) continue;
        if (!headerSeen) {
          headerSeen = true;
          continue;
        }
        const row = batch.firstRow + index;
        const fault = faultOf(record, header);
        if (fault !== null) {
          rejected += 1;
          if (faults.length < SHOWN_FAULTS) faults.push({ row, ...fault });
        } else if (rejected === 0 || options.keepGood === true) {
          const values = record.map((field) => field.trim());
          for (const [place, value] of values.entries()) types.see(place, value);
          lines += `${row}\t${values.map(escape).join('\t')}\n`;
          rows += 1;
          inChunk += 1;
        }
      }
      lastRow = batch.firstRow + batch.records.length - 1;
      if (batch.bytes !== null) hash.at(batch.bytes);
      await chunk.write(lines);
      context.onProgress?.({ phase: 'read', rows, bytes: source.read(), totalBytes: source.size });
      if (inChunk < CHUNK_ROWS) continue;
      await chunk.commit(state());
      chunk = staging.chunk();
      inChunk = 0;
    }
  } catch (error) {
    if (!(error instanceof ImportError) || /^row \d/.test(error.message)) throw error;
    throw new ImportError(`row ${lastRow + 1}, column ${header[0] ?? '1'}: ${error.message}`, { cause: error });
  }
  await chunk.commit(state());
  if (rejected > 0 && options.keepGood !== true) throw new ImportRefusedError(faults, rejected);
  const fileHash = hash.whole().hash;
  const columns = types.types().map((type, place): TableColumn => ({ name: names[place] ?? '', type }));
  context.onProgress?.({ phase: 'merge', rows, bytes: 0, totalBytes: null });
  const { run } = staging;
  const outcome =
    run === null
      ? { rows, replaced: false }
      : await replaceTable(staging, options.table, columns, (kept) =>
          runEnd(run, {
            status: 'done',
            fileHash,
            rowsIn: rows + rejected,
            rowsKept: kept,
            rowsRejected: rejected,
            rowsChanged: kept,
            rejections: faults,
          }),
        );
  return { ...outcome, run, table: `imports.${options.table}`, columns, rowsRejected: rejected, fileHash, faults };
}

function faultOf(record: readonly string[], header: readonly string[]): Omit<RowFault, 'row'> | null {
  if (record.length !== header.length) {
    const column = header[record.length] ?? String(Math.min(record.length, header.length) + 1);
    return { column, message: `there are ${record.length} fields, the first line names ${header.length}` };
  }
  for (const [place, field] of record.entries()) {
    const column = header[place] ?? String(place + 1);
    if (field.includes('\u0000')) return { column, message: 'holds a NUL character, which no database text can' };
    if (field.includes('\ufffd')) return { column, message: 'is not UTF-8: say --encoding, such as windows-1252' };
  }
  return null;
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** COPY's text format. */
function escape(value: string): string {
  return value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
