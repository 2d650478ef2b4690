/** Judging what is stored already: files that were imported, or bars from before a rule existed. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type JudgedBar, writeJudgedBars } from '@tapecast/db/bar-repairs';
import { listSplits } from '@tapecast/db/corporate-actions';
import { type Database } from '@tapecast/db/database';
import { listRepairs } from '@tapecast/db/repair-cases';
import { type PriceRow, readBarsAfter, readBarsBefore } from '@tapecast/db/write-bars';
import { judgeBars, MARGIN_BARS } from './judge-bars.ts';

export interface ScanResult {
  bars: number;
  /** Cases that are new. */
  found: number;
  /** Bars that were repaired. */
  changed: number;
}

const PAGE_BARS = 5_000;

export interface ScanOptions {
  ticker: string;
  resolution: NativeResolution;
  /** Keys of the first and the last bar that are news; default: all bars are judged. */
  range?: { first: UnixSeconds; last: UnixSeconds };
  signal: AbortSignal;
  /** After each page: bars that were judged so far. */
  onBars?(bars: number): void;
}

/**
 * Running it again finds nothing new. Live bars are left to the source's own that replace them. With a range, the bars that its own
 * ones may throw a light on are judged too.
 *
 * @throws {DatabaseUnavailableError}
 */
export async function scanSeries(db: Database, options: ScanOptions): Promise<ScanResult> {
  const { ticker, resolution, range, signal } = options;
  const result: ScanResult = { bars: 0, found: 0, changed: 0 };
  const splits = (await listSplits(db, ticker)).map(({ since, exDate, ratio }) => ({
    time: resolution === '1d' ? exDate : since,
    ratio,
  }));
  const flagged = new Set((await listRepairs(db, { ticker, resolution, states: ['flagged'] })).map(({ time }) => time));
  const page = (after: UnixSeconds | null, bars = PAGE_BARS) => readBarsAfter(db, resolution, ticker, after, bars);
  let { before, rows } = await firstPage(db, options, page);
  while (rows.length > 0) {
    signal.throwIfAborted();
    const ended = range !== undefined && (rows.at(-1)?.time ?? 0) > range.last;
    const next = await page(rows.at(-1)?.time ?? null, ended ? MARGIN_BARS : PAGE_BARS);
    const judged = judgeBars({ resolution, bars: rows, before, after: next.slice(0, MARGIN_BARS), splits });
    const bad = judged.filter(
      ({ row, judgement }) =>
        !row.source.endsWith(':live') &&
        (judgement.verdict === 'repair' || judgement.verdict === 'flag' || flagged.has(row.time)),
    );
    const { found, changed } = await writeJudgedBars(db, resolution, bad, { stored: true });
    result.bars += rows.length;
    result.found += found;
    result.changed += changed;
    options.onBars?.(result.bars);
    if (ended) break;
    before = judged.slice(-MARGIN_BARS).map(straight);
    rows = next;
  }
  return result;
}

async function firstPage(
  db: Database,
  { ticker, resolution, range }: ScanOptions,
  page: (after: UnixSeconds | null) => Promise<PriceRow[]>,
): Promise<{ before: PriceRow[]; rows: PriceRow[] }> {
  if (range === undefined) return { before: [], rows: await page(null) };
  const earlier = await readBarsBefore(db, resolution, ticker, range.first, 2 * MARGIN_BARS);
  const before = earlier.slice(0, -MARGIN_BARS);
  return { before, rows: await page(before.at(-1)?.time ?? null) };
}

function straight({ row, judgement }: JudgedBar): PriceRow {
  return judgement.verdict === 'repair' ? judgement.repaired : row;
}
