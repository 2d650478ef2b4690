/** One record of a file to one bar, strictly: what is wrong is named by its column. */
import { barEnd, barKey } from '@tapecast/calendar/bars';
import { type Session } from '@tapecast/calendar/sessions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { TICKER_PATTERN } from '@tapecast/contracts/ticker';
import { type StagedBar } from '@tapecast/db/bar-encoder';
import { type RowFault } from '@tapecast/db/ingest-runs';
import { type Field, type Layout } from './layout.ts';
import { type FileTime, type TimeParser } from './times.ts';

export interface BarRules {
  layout: Layout;
  resolution: NativeResolution;
  /** Of all rows, where no column names it. */
  ticker: string | null;
  /** Stooq writes MSFT.US where Yahoo has MSFT. */
  dropCountry: boolean;
  decimalComma: boolean;
  parseTime: TimeParser;
  /** Of tickers that are known; their hours begin on a grid. */
  sessionOf(ticker: string): Session | null;
  /** Unix seconds. */
  now: number;
}

/** `forming`: the bar has not ended yet, and live prices make it. `blank`: an empty line. */
export type RowVerdict =
  { bar: StagedBar } | { fault: Omit<RowFault, 'row'> & { reason: string; ticker: string } } | 'forming' | 'blank';

/** Beyond any price or count of shares, yet small enough that sums of them stay numbers. */
const LARGEST_PRICE = 1e12;
const LARGEST_VOLUME = 1e18;
/** 1900-01-01. */
const EARLIEST = -2_208_988_800;
/** Adjusted prices are rounded: an open may be above its high by the last digit. */
const ROUNDING = 1e-6;
const EMPTY = /^(|null|nan|n\/a|na|-)$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
const WIDTH: Record<NativeResolution, number> = { '1m': 60, '1h': 3_600, '1d': 86_400 };
/** Dates begin at most this long before their midnight in UTC. */
const EARLIEST_ZONE = 14 * 3_600;

class Fault extends Error {
  readonly field: Field;
  readonly reason: string;

  constructor(field: Field, reason: string, message: string) {
    super(message);
    this.field = field;
    this.reason = reason;
  }
}

/** @returns a function that never throws for what a file may contain */
export function createRowReader(rules: BarRules): (fields: readonly string[]) => RowVerdict {
  const { layout } = rules;
  const width = layout.header.length;

  function read(fields: readonly string[]): RowVerdict {
    const ticker = readTicker(fields);
    const bar: StagedBar = {
      time: 0,
      ticker,
      open: price(fields, 'open'),
      high: price(fields, 'high'),
      low: price(fields, 'low'),
      close: price(fields, 'close'),
      closeAdj: optional(fields, 'close_adj', LARGEST_PRICE),
      volume: optional(fields, 'volume', LARGEST_VOLUME),
    };
    checkShape(bar);
    const session = rules.sessionOf(ticker);
    bar.time = readTime(fields, session);
    const end = session === null ? bar.time + WIDTH[rules.resolution] : barEnd(session, rules.resolution, bar.time);
    return end > rules.now ? 'forming' : { bar };
  }

  function text(fields: readonly string[], field: Field): string {
    const place = layout.columns[field];
    return place === undefined ? '' : (fields[place] ?? '').trim();
  }

  function readTicker(fields: readonly string[]): string {
    if (rules.ticker !== null) return rules.ticker;
    const written = text(fields, 'ticker');
    const ticker = tickerOf(written, rules);
    if (ticker !== null) return ticker;
    throw new Fault(
      'ticker',
      'bad_ticker',
      `${quoted(written.toUpperCase())} is no ticker (1 to 24 of A-Z, 0-9 and . ^ = -)`,
    );
  }

  function readTime(fields: readonly string[], session: Session | null): number {
    const { resolution } = rules;
    const written = text(fields, 'time');
    if (written === '') throw new Fault('time', 'missing_time', 'is empty: each bar needs a time');
    const clock = layout.columns.clock === undefined ? null : text(fields, 'clock');
    const parsed = rules.parseTime(written, clock);
    if (typeof parsed === 'string') throw new Fault('time', 'bad_time', `${parsed} (${quoted(written)})`);
    const time = keyOf(parsed, session);
    if (!(time >= EARLIEST)) throw new Fault('time', 'bad_time', `${written} is before 1900`);
    const begins = resolution === '1d' ? time - EARLIEST_ZONE : time;
    if (begins > rules.now) throw new Fault('time', 'in_the_future', `${written} is in the future`);
    return time;
  }

  function keyOf(parsed: FileTime, session: Session | null): number {
    const { resolution } = rules;
    if (resolution === '1d') {
      return parsed.isDate || session === null ? parsed.date : barKey(session, '1d', parsed.time);
    }
    const { time } = parsed;
    if (time % 60 !== 0) throw new Fault('time', 'off_grid', 'is not the start of a minute');
    if (resolution === '1h' && session !== null) {
      const key = barKey(session, '1h', time);
      if (key !== time) {
        const minute = String(new Date(key * 1_000).getUTCMinutes()).padStart(2, '0');
        throw new Fault('time', 'off_grid', `is not on the exchange's hours, which begin at minute ${minute}`);
      }
    }
    return time;
  }

  function price(fields: readonly string[], field: Field): number {
    const written = text(fields, field);
    if (EMPTY.test(written)) throw new Fault(field, 'null_price', 'is empty: each bar needs its prices');
    const value = number(written, field);
    if (!(value > 0)) throw new Fault(field, 'not_positive', `${quoted(written)} is not above zero`);
    if (value > LARGEST_PRICE)
      throw new Fault(field, 'out_of_range', `${quoted(written)} is above ${LARGEST_PRICE}: no price`);
    return value;
  }

  function optional(fields: readonly string[], field: Field, largest: number): number | null {
    const written = text(fields, field);
    if (EMPTY.test(written)) return null;
    const value = number(written, field);
    if (value < 0)
      throw new Fault(
        field,
        field === 'volume' ? 'negative_volume' : 'not_positive',
        `${quoted(written)} is below zero`,
      );
    if (value > largest) throw new Fault(field, 'out_of_range', `${quoted(written)} is above ${largest}`);
    return value;
  }

  function number(written: string, field: Field): number {
    const plain = rules.decimalComma ? written.replace(',', '.') : written;
    const value = NUMBER.test(plain) ? Number(plain) : Number.NaN;
    if (Number.isFinite(value)) return value;
    throw new Fault(field, 'not_a_number', `${quoted(written)} is no number`);
  }

  function checkShape({ open, high, low, close }: StagedBar): void {
    if (high < low) throw new Fault('high', 'high_below_low', `${high} is below the low, ${low}`);
    for (const [field, value] of [
      ['open', open],
      ['close', close],
    ] as const) {
      if (value > high * (1 + ROUNDING))
        throw new Fault(field, 'outside_range', `${value} is above the high, ${high}: are columns swapped?`);
      if (value < low * (1 - ROUNDING))
        throw new Fault(field, 'outside_range', `${value} is below the low, ${low}: are columns swapped?`);
    }
  }

  function checkWidth(fields: readonly string[]): Omit<RowFault, 'row'> | null {
    if (fields.length === width) return null;
    if (fields.length > width) {
      return { column: String(width + 1), message: `there are ${fields.length} fields, the first line names ${width}` };
    }
    const column = layout.header[fields.length] ?? String(fields.length + 1);
    return { column, message: `is missing: there are ${fields.length} fields, the first line names ${width}` };
  }

  return (fields) => {
    if (fields.length === 1 && fields[0]?.trim() === '') return 'blank';
    const ticker = () => (rules.ticker ?? (text(fields, 'ticker') || '?')).slice(0, 24);
    const misfit = checkWidth(fields);
    if (misfit !== null) return { fault: { ...misfit, reason: 'wrong_number_of_fields', ticker: ticker() } };
    try {
      return read(fields);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const column = layout.header[layout.columns[error.field] ?? -1] ?? error.field;
      return { fault: { column, message: error.message, reason: error.reason, ticker: ticker() } };
    }
  };
}

/** @returns null when it is no ticker */
export function tickerOf(written: string, { dropCountry }: Pick<BarRules, 'dropCountry'>): string | null {
  const upper = written.toUpperCase();
  const ticker = dropCountry ? upper.replace(/\.US$/, '') : upper;
  return TICKER_PATTERN.test(ticker) ? ticker : null;
}

/** Whether the values of a bar, none of them negative, pass without a second look. */
export function isSound({ open, high, low, close, closeAdj, volume }: StagedBar): boolean {
  return (
    low > 0 &&
    high <= LARGEST_PRICE &&
    open >= low &&
    open <= high &&
    close >= low &&
    close <= high &&
    (closeAdj ?? 0) <= LARGEST_PRICE &&
    (volume ?? 0) <= LARGEST_VOLUME
  );
}

/** What stands in the file, made harmless for a terminal. */
function quoted(text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return text.includes('\u{fffd}') ? `${shown} (not UTF-8: say --encoding, such as windows-1252)` : shown;
}
