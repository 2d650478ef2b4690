/** What a file does not say in so many words: its delimiter and columns, whose bars it holds, and how wide they are. */
import { NativeResolution, RESOLUTION_SECONDS } from '@tapecast/contracts/resolution';
import { TICKER_PATTERN } from '@tapecast/contracts/ticker';
import { ImportError } from './errors.ts';
import { type Layout } from './layout.ts';
import { type TimeParser } from './times.ts';

const RESOLUTION_NAMES: Record<string, NativeResolution> = {
  '1m': '1m',
  '1': '1m',
  '1min': '1m',
  '1h': '1h',
  '60': '1h',
  '60m': '1h',
  '1d': '1d',
  d: '1d',
  daily: '1d',
};

/** `MSFT.csv`, `msft.us.txt`, `MSFT-1h.csv.gz`, `BRK-B_1d.csv`. */
export function fromFileName(fileName: string): { stem: string; resolution: NativeResolution | null } {
  const bare = fileName.replace(/(\.(csv|txt|gz|tsv))+$/i, '');
  const marked = /^(.*?)[-_](1m|1min|60m|1h|1d|d|daily)$/i.exec(bare);
  const resolution = marked === null ? undefined : RESOLUTION_NAMES[(marked[2] ?? '').toLowerCase()];
  return { stem: (marked === null ? bare : (marked[1] ?? '')).replace(/[._]us$/i, ''), resolution: resolution ?? null };
}

/**
 * @param known tickers of the database
 * @returns null when a column names the tickers
 * @throws {ImportError} when it could be anybody's
 */
export function findTicker(
  options: { ticker: string | undefined; fileName: string },
  layout: Layout,
  known: ReadonlySet<string>,
): string | null {
  if (options.ticker !== undefined) {
    const ticker = options.ticker.toUpperCase();
    if (TICKER_PATTERN.test(ticker)) return ticker;
    throw new ImportError(`--ticker ${options.ticker}: a ticker is 1 to 24 of A-Z, 0-9 and . ^ = -`);
  }
  if (layout.columns.ticker !== undefined) return null;
  const { stem } = fromFileName(options.fileName);
  const ticker = stem.toUpperCase();
  // Anything could be a ticker: in lower case only one that we know, or one that says so as Stooq does, is taken for it.
  const told = stem === ticker || known.has(ticker) || /[._]us\b/i.test(options.fileName);
  if (stem !== '' && told && TICKER_PATTERN.test(ticker)) return ticker;
  throw new ImportError(
    `Whose bars are these? The file has no column for the ticker${stem === '' ? '' : `, and "${options.fileName}" names none for certain`}: say --ticker.`,
  );
}

/**
 * @param sample the first records, of which the first is row `firstRow`
 * @throws {ImportError} when it cannot be told, or is none that is stored
 */
export function findResolution(
  options: { resolution: NativeResolution | undefined; fileName: string },
  layout: Layout,
  sample: readonly (readonly string[])[],
  parseTime: TimeParser,
  firstRow: number,
): NativeResolution {
  if (options.resolution !== undefined) return options.resolution;
  if (layout.columns.resolution !== undefined) return fromColumn(layout, layout.columns.resolution, sample);
  const named = fromFileName(options.fileName).resolution;
  if (named !== null) return named;
  const times: number[] = [];
  let dates = true;
  let complaint: string | undefined;
  for (const record of sample) {
    const clock = layout.columns.clock === undefined ? null : (record[layout.columns.clock] ?? '').trim();
    const parsed = parseTime((record[layout.columns.time ?? 0] ?? '').trim(), clock);
    if (typeof parsed === 'string') {
      const column = layout.header[layout.columns.time ?? 0] ?? 'time';
      complaint ??= `row ${firstRow + sample.indexOf(record)}, column ${column}: ${parsed}`;
      continue;
    }
    times.push(parsed.time);
    dates &&= parsed.isDate;
  }
  if (times.length === 0 && complaint !== undefined) throw new ImportError(complaint);
  if (dates && times.length > 0) return '1d';
  const steps = times.slice(1).map((time, index) => Math.abs(time - (times[index] ?? time)));
  const shortest = Math.min(...steps.filter((step) => step > 0));
  const found = NativeResolution.options.find((resolution) => RESOLUTION_SECONDS[resolution] === shortest);
  if (found !== undefined) return found;
  const seen = Number.isFinite(shortest)
    ? `The shortest step between two rows is ${shortest} s`
    : 'The rows do not tell';
  throw new ImportError(
    `How wide is a bar? ${seen}: say --resolution 1m, 1h or 1d. Other widths are not stored; 5m, 15m and 1w are made of these.`,
  );
}

function fromColumn(layout: Layout, place: number, sample: readonly (readonly string[])[]): NativeResolution {
  const written = new Set(
    sample.map((record) => (record[place] ?? '').trim().toLowerCase()).filter((text) => text !== ''),
  );
  const [first] = written;
  const resolution = first === undefined ? undefined : RESOLUTION_NAMES[first];
  if (written.size === 1 && resolution !== undefined) return resolution;
  throw new ImportError(
    `The column ${layout.header[place] ?? ''} names the resolutions ${[...written].slice(0, 5).join(', ')}: one file holds bars of one of 1m, 1h and 1d.`,
  );
}
