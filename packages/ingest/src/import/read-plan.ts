/** Looks at the beginning of a file and decides how its rows are read: its columns, whose bars they are, how wide, and in which zone. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type TickerRow } from '@tapecast/db/tickers';
import { sessionOf, type Session } from '@tapecast/calendar/sessions';
import { zoneOffset } from '@tapecast/calendar/zoned-time';
import { type BarRules } from './bar-rows.ts';
import { firstBytes, rejoin } from './chunks.ts';
import { ImportError } from './errors.ts';
import { recogniseLayout, type Field, type Layout } from './layout.ts';
import { findResolution, findTicker } from './recognise.ts';
import { findDelimiter, readRecords } from './records.ts';
import { type ImportSource } from './source.ts';
import { createTimeParser, type DateOrder } from './times.ts';

export interface ReadOptions {
  ticker?: string | undefined;
  resolution?: NativeResolution | undefined;
  /** The file's column by field, where its name is not known. */
  map?: Partial<Record<Field, string>> | undefined;
  /** IANA zone of times that name none; default UTC. */
  timezone?: string | undefined;
  dateOrder?: DateOrder | undefined;
  delimiter?: string | undefined;
  decimalComma?: boolean | undefined;
}

export interface ReadPlan {
  delimiter: string;
  layout: Layout;
  /** Rows are counted from 1. */
  headerRow: number;
  resolution: NativeResolution;
  rules: BarRules;
  /** What was understood, in words. */
  note: string;
}

const HEAD_BYTES = 1 << 16;

export interface Head {
  records: string[][];
  delimiter: string;
}

/**
 * @returns the beginning, and the whole text with it
 * @throws {ImportError} when there is none, or none that is CSV
 */
export async function readHead(
  source: ImportSource,
  options: Pick<ReadOptions, 'delimiter'>,
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

/**
 * @param known tickers of the database
 * @param now Unix seconds
 * @throws {ImportError} when the file leaves a doubt that an option could settle
 */
export function planFile(
  source: ImportSource,
  options: ReadOptions,
  { records, delimiter }: Head,
  known: ReadonlyMap<string, TickerRow>,
  now: number,
): ReadPlan {
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
  const note =
    `${layout.kind === 'other' ? 'CSV' : `CSV as of ${layout.kind}`}: ${resolution} bars of ${ticker ?? 'the tickers in the file'}; ${zoneNote}` +
    (layout.ignored.length > 0 ? `; not read: ${layout.ignored.join(', ')}` : '');
  const sessions = new Map<string, Session | null>();
  const rules: BarRules = {
    layout,
    resolution,
    ticker,
    dropCountry: layout.kind === 'stooq',
    decimalComma: options.decimalComma === true,
    parseTime,
    now,
    sessionOf: (name) => {
      const remembered = sessions.get(name);
      if (remembered !== undefined) return remembered;
      const row = known.get(name);
      const session = row === undefined || row.sessionOpen === null ? null : sessionOf(row);
      sessions.set(name, session);
      return session;
    },
  };
  return { delimiter, layout, headerRow: headerRow + 1, resolution, rules, note };
}

function zoneOf(timezone: string | undefined): ReturnType<typeof zoneOffset> {
  try {
    return zoneOffset(timezone ?? 'UTC');
  } catch (cause) {
    throw new ImportError(`--timezone ${timezone ?? ''} is not known: use a name such as America/New_York.`, { cause });
  }
}
