/**
 * The quick way for a row that is beyond doubt: no quotes, a time that needs no thought, ordinary numbers, no recent bar. It reads
 * bytes, and makes no strings. What it takes, bar-rows.ts would take as the same bar (a test says so); everything else is judged there.
 */
import { type StagedBar } from '@tapecast/db/bar-encoder';
import { type BarRules, isSound, tickerOf } from './bar-rows.ts';
import { decimal } from './plain-number.ts';
import { zonedTime } from './plain-time.ts';

export interface PlainRow {
  /**
   * @param end before the line's end
   * @returns the same object each time; null where the row has to be judged by the rules
   */
  read(bytes: Buffer, start: number, end: number): StagedBar | null;
}

const SKIP = 0;
const TIME = 1;
const TICKER = 2;
const NUMBER = 3;
const NUMBERS = ['open', 'high', 'low', 'close', 'close_adj', 'volume'] as const;
const CARRIAGE_RETURN = 0x0d;
const DAY = 86_400;
/** Whether a younger bar has ended is a question of its exchange's session. */
const SURELY_ENDED = 4 * DAY;
/** As many names as a file may hold are forgotten now and then rather than kept. */
const MOST_NAMES = 10_000;

/** @returns null where such files are beyond it */
export function createPlainRow(rules: BarRules, delimiter: string): PlainRow | null {
  const { layout, resolution } = rules;
  if (layout.columns.clock !== undefined || !/^[^\P{ASCII}"\r\n]$/u.test(delimiter)) return null;
  const separator = delimiter.charCodeAt(0);
  const width = layout.header.length;
  const roles = new Int8Array(width).fill(SKIP);
  for (const [index, field] of NUMBERS.entries()) {
    const place = layout.columns[field];
    if (place !== undefined) roles[place] = NUMBER + index;
  }
  if (rules.ticker === null && layout.columns.ticker !== undefined) roles[layout.columns.ticker] = TICKER;
  if (layout.columns.time !== undefined) roles[layout.columns.time] = TIME;
  const newest = rules.now - SURELY_ENDED;
  const comma = rules.decimalComma ? 0x2c : 0x2e;
  const numbers = new Float64Array(NUMBERS.length);
  const bar: StagedBar = { time: 0, ticker: '', open: 0, high: 0, low: 0, close: 0, closeAdj: null, volume: null };
  const names = new Map<string, string | null>();
  let lastName: Buffer = Buffer.alloc(0);
  let lastTicker = rules.ticker !== null && onPlainGrid(rules.ticker) ? rules.ticker : null;

  /** Hours of an exchange that we know begin on its grid. */
  function onPlainGrid(ticker: string): boolean {
    return resolution !== '1h' || rules.sessionOf(ticker) === null;
  }

  function readTicker(bytes: Buffer, from: number, to: number): void {
    if (to - from === lastName.length) {
      let at = 0;
      while (at < lastName.length && bytes[from + at] === lastName[at]) at += 1;
      if (at === lastName.length) return;
    }
    const written = bytes.toString('utf8', from, to);
    let ticker = names.get(written);
    if (ticker === undefined) {
      if (names.size >= MOST_NAMES) names.clear();
      const named = tickerOf(written, rules);
      ticker = named !== null && onPlainGrid(named) ? named : null;
      names.set(written, ticker);
    }
    lastName = Buffer.from(bytes.subarray(from, to));
    lastTicker = ticker;
  }

  function readTime(bytes: Buffer, from: number, to: number): number {
    const quick = zonedTime(bytes, from, to);
    if (!Number.isNaN(quick)) return quick % (resolution === '1d' ? DAY : 60) === 0 ? quick : Number.NaN;
    const parsed = rules.parseTime(bytes.toString('utf8', from, to), null);
    if (typeof parsed === 'string') return Number.NaN;
    if (resolution === '1d') return parsed.isDate ? parsed.date : Number.NaN;
    return parsed.time % 60 === 0 ? parsed.time : Number.NaN;
  }

  /** @returns whether the field is what its column has to hold */
  function readField(role: number, bytes: Buffer, from: number, to: number): boolean {
    if (role === SKIP) return true;
    if (role === TICKER) {
      readTicker(bytes, from, to);
      return lastTicker !== null;
    }
    if (role === TIME) {
      bar.time = readTime(bytes, from, to);
      return bar.time >= 0 && bar.time < newest;
    }
    // Only what stands behind the prices may be missing.
    numbers[role - NUMBER] = from === to && role - NUMBER > 3 ? Number.NaN : decimal(bytes, from, to, comma);
    return from === to ? role - NUMBER > 3 : !Number.isNaN(numbers[role - NUMBER]);
  }

  function take(): StagedBar | null {
    if (lastTicker === null) return null;
    bar.ticker = lastTicker;
    bar.open = numbers[0] ?? Number.NaN;
    bar.high = numbers[1] ?? Number.NaN;
    bar.low = numbers[2] ?? Number.NaN;
    bar.close = numbers[3] ?? Number.NaN;
    const [, , , , closeAdj = Number.NaN, volume = Number.NaN] = numbers;
    bar.closeAdj = Number.isNaN(closeAdj) ? null : closeAdj;
    bar.volume = Number.isNaN(volume) ? null : volume;
    return isSound(bar) ? bar : null;
  }

  return {
    read: (bytes, start, stop) => {
      const end = stop > start && bytes[stop - 1] === CARRIAGE_RETURN ? stop - 1 : stop;
      numbers.fill(Number.NaN);
      let from = start;
      let place = 0;
      for (let at = start; at <= end; at += 1) {
        if (at < end && bytes[at] !== separator) continue;
        if (place === width || !readField(roles[place] ?? SKIP, bytes, from, at)) return null;
        place += 1;
        from = at + 1;
      }
      return place === width ? take() : null;
    },
  };
}
