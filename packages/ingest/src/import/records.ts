/** CSV text to records, in batches: the row's number in the file beside its fields. */
import { Readable } from 'node:stream';
import { CsvError, parse, type Parser } from 'csv-parse';
import { ImportError } from './errors.ts';

export interface RecordBatch {
  /** Number of the first record's row; rows are counted from 1, the header included. */
  firstRow: number;
  /** An empty line is a record with one empty field. */
  records: string[][];
  /** Bytes of the text up to the end of the last record; null where more records than these were parsed already. */
  bytes: number | null;
}

/** A quote that is never closed would swallow the rest of the file, and our memory with it. */
const LONGEST_RECORD = 1 << 16;
const BATCH = 2_000;

export const DELIMITERS = [',', ';', '\t', '|'] as const;

/**
 * @param options.startRow number of the row with which the text begins
 * @param options.lineFeeds rows end in a line feed; otherwise the first one's end tells
 * @throws {ImportError} naming the row and column at which the text stops being CSV
 */
export async function* readRecords(
  text: AsyncIterable<Buffer>,
  options: {
    delimiter: string;
    startRow?: number;
    lineFeeds?: boolean;
    header?: readonly string[];
    signal: AbortSignal;
  },
): AsyncGenerator<RecordBatch> {
  // The parser counts bytes by fields; only here it stands at the end of a record.
  let recordEnd = 0;
  const parser: Parser = parse({
    delimiter: options.delimiter,
    relax_column_count: true,
    record_delimiter: options.lineFeeds === true ? ['\r\n', '\n'] : [],
    max_record_size: LONGEST_RECORD,
    on_record: (record: string[]) => {
      recordEnd = parser.info.bytes;
      return record;
    },
  });
  const input = Readable.from(text, { objectMode: false, highWaterMark: 1 << 17 });
  let ended = false;
  let failure: unknown;
  let wake = (): void => undefined;
  const fail = (error: unknown) => {
    failure ??= error;
    parser.destroy();
    wake();
  };
  input.once('error', fail);
  parser.once('error', fail);
  parser.once('end', () => {
    ended = true;
    wake();
  });
  parser.on('readable', () => wake());
  input.pipe(parser);
  let row = options.startRow ?? 1;
  let { header } = options;
  try {
    while (!ended) {
      options.signal.throwIfAborted();
      const records: string[][] = [];
      for (
        let record: string[] | null;
        records.length < BATCH && (record = parser.read() as string[] | null) !== null;
      ) {
        records.push(record);
      }
      header ??= records[0];
      if (records.length > 0) {
        yield { firstRow: row, records, bytes: parser.readableLength === 0 ? recordEnd : null };
        row += records.length;
      } else if (failure !== undefined) {
        throw failure;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (error instanceof CsvError) throw new ImportError(explain(error, row, header), { cause: error });
    throw error;
  } finally {
    input.destroy();
    parser.destroy();
  }
}

function explain(error: CsvError, row: number, header: readonly string[] | undefined): string {
  const place = typeof error['column'] === 'number' ? error['column'] : 0;
  const column = header?.[place] ?? String(place + 1);
  const at = `row ${row}, column ${column}`;
  if (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE') {
    return `${at}: a quote (") is opened and not closed, or the row is longer than ${LONGEST_RECORD / 1_024} KB. Nothing was imported.`;
  }
  return `${at}: this is no CSV: a quote (") stands where none may (${error.code}). Nothing was imported.`;
}

/** @throws {ImportError} when the text is something else */
export function findDelimiter(head: string): string {
  const line = head.split(/\r\n|\n|\r/).find((text) => text.trim() !== '') ?? '';
  if (/^\s*<(!doctype|html|\?xml)/i.test(line)) {
    throw new ImportError('This is a web page (HTML or XML), not CSV: check the address, or whether it needs a login.');
  }
  if (/^\s*[[{]/.test(line)) throw new ImportError('This looks like JSON, not CSV.');
  const outside = line.replaceAll(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => outside.split(delimiter).length - 1);
  const most = Math.max(...counts);
  return most === 0 ? ',' : (DELIMITERS[counts.indexOf(most)] ?? ',');
}
