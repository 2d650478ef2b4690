/**
 * Bars on another footing: in pence instead of pounds, or split once too often or not at all. Such an error is a factor that
 * is known beforehand, begins and ends between two bars, and touches all their prices; a market moves by no such steps.
 */
import { type PriceRow } from '@tapecast/db/write-bars';

/** A split of the ticker: prices before its ex-date are those of `ratio` times as many shares. */
export interface KnownSplit {
  /** When the first bar on the new footing begins, Unix seconds; of 1d bars their key. */
  time: number;
  /** New shares for an old one: 4 in a 4:1 split, 0.1 in a reverse split of 1:10. */
  ratio: number;
}

export interface Shifted {
  rule: 'unit' | 'split_missing' | 'split_doubled';
  reason: string;
  /** null: it may be wrong, and it is not certain. */
  repaired: PriceRow | null;
}

const UNIT = 100;
/** A step counts as the factor while it is no further from it than this share of the factor's logarithm, and than this. */
const STEP_SHARE = 0.25;
const WIDEST_STEP = 0.35;
/** Of a smaller split a step could be a day's move. */
const SMALLEST_SPLIT = Math.log(1.4);
/** A run that is longer than this share of what is known beside it may be the right footing, and the rest the wrong one. */
const LONGEST_RUN_SHARE = 0.34;

/** @returns what was found, by the bar's place */
export function findShiftedRuns(rows: readonly PriceRow[], splits: readonly KnownSplit[]): Map<number, Shifted> {
  const found = new Map<number, Shifted>();
  for (const run of runsOf(rows, Math.log(UNIT), rows.length)) mark(found, rows, run, 'unit', UNIT);
  for (const { time, ratio } of splits) {
    const size = Math.abs(Math.log(ratio));
    if (!(size >= SMALLEST_SPLIT)) continue;
    const end = rows.findIndex((row) => row.time >= time);
    const old = end === -1 ? rows : rows.slice(0, end);
    for (const run of runsOf(old, size, rows.length)) {
      // Prices that were not divided stand above the others in a split, below them in a reverse split.
      const rule = run.sign > 0 === ratio > 1 ? 'split_missing' : 'split_doubled';
      mark(found, rows, run, rule, Math.exp(size));
    }
    if (end > 0) markCliff(found, rows, end, ratio);
  }
  return found;
}

interface Run {
  start: number;
  end: number;
  /** 1: prices are too high by the factor. */
  sign: 1 | -1;
  certain: boolean;
}

/**
 * Stretches between a step by ±size and the next step back.
 * @param known bars that tell the right footing, those of the run included
 */
function runsOf(rows: readonly PriceRow[], size: number, known: number): Run[] {
  const tolerance = Math.min(WIDEST_STEP, STEP_SHARE * size);
  const isStep = (index: number, sign: number) => {
    const before = rows[index - 1];
    const after = rows[index];
    if (before === undefined || after === undefined) return false;
    const near = (to: number) => Math.abs(Math.log(to / before.close) - sign * size) <= tolerance;
    return near(after.open) && near(after.close);
  };
  const runs: Run[] = [];
  for (let index = 1; index < rows.length; index += 1) {
    for (const sign of [1, -1] as const) {
      if (!isStep(index, sign)) continue;
      let end = index + 1;
      while (end < rows.length && !isStep(end, -sign)) end += 1;
      const closed = end < rows.length;
      const length = end - index;
      const certain = closed && length <= Math.max(1, LONGEST_RUN_SHARE * (known - length));
      // A level that lasts is a price, whatever came before it.
      if (closed || length < LASTING_BARS) runs.push({ start: index, end, sign, certain });
      if (closed) index = end;
      break;
    }
  }
  return runs;
}

/** So many bars in a row on a new level make it the level. */
const LASTING_BARS = 12;

function mark(
  found: Map<number, Shifted>,
  rows: readonly PriceRow[],
  run: Run,
  rule: Shifted['rule'],
  steps: number,
): void {
  const factor = run.sign > 0 ? 1 / steps : steps;
  const times = Number(steps.toPrecision(6));
  for (let index = run.start; index < run.end; index += 1) {
    const row = rows[index];
    if (row === undefined || found.has(index)) continue;
    const how = `all prices are ${times} times too ${run.sign > 0 ? 'high' : 'low'}`;
    const reason = run.certain
      ? `${how} beside the bars before and after`
      : `${how} beside the bars before; no bar has come back to the old level yet, or too few are known`;
    found.set(index, { rule, reason, repaired: run.certain ? scaled(row, factor) : null });
  }
}

/** At the ex-date itself the whole history before it stands on the other footing. */
function markCliff(found: Map<number, Shifted>, rows: readonly PriceRow[], end: number, ratio: number): void {
  const last = rows[end - 1];
  const first = rows[end];
  if (last === undefined || first === undefined) return;
  const size = Math.log(ratio);
  const tolerance = Math.min(WIDEST_STEP, STEP_SHARE * Math.abs(size));
  const is = (step: number) =>
    Math.abs(Math.log(first.open / last.close) - step) <= tolerance &&
    Math.abs(Math.log(first.close / last.close) - step) <= tolerance;
  const rule = is(-size) ? 'split_missing' : is(size) ? 'split_doubled' : null;
  if (rule === null) return;
  const factor = rule === 'split_missing' ? 1 / ratio : ratio;
  const reason =
    rule === 'split_missing'
      ? `prices before the split were not divided by ${Number(ratio.toPrecision(6))}`
      : `prices before the split were divided by ${Number(ratio.toPrecision(6))} twice`;
  for (const [index, row] of rows.slice(0, end).entries()) {
    if (!found.has(index)) found.set(index, { rule, reason, repaired: scaled(row, factor, 1 / factor) });
  }
}

/** Single prices of a bar in the other unit, such as a high in pence: each is held against the closes on both sides. */
export function findMixedUnits(rows: readonly PriceRow[]): Map<number, Shifted> {
  const found = new Map<number, Shifted>();
  for (let index = 1; index + 1 < rows.length; index += 1) {
    const row = rows[index];
    const before = rows[index - 1];
    const after = rows[index + 1];
    if (row === undefined || before === undefined || after === undefined) continue;
    if (Math.abs(Math.log(before.close / after.close)) > WIDEST_STEP) continue;
    const level = Math.sqrt(before.close * after.close);
    const straighten = (price: number) => {
      const off = Math.log(price / level);
      return Math.abs(Math.abs(off) - Math.log(UNIT)) <= WIDEST_STEP ? (off > 0 ? price / UNIT : price * UNIT) : price;
    };
    const [open, close] = [straighten(row.open), straighten(row.close)];
    const [high, low] = [straighten(row.high), straighten(row.low)];
    if (open === row.open && close === row.close && high === row.high && low === row.low) continue;
    const repaired: PriceRow = {
      ...row,
      open,
      close,
      high: Math.max(high, open, close, low),
      low: Math.min(low, open, close, high),
      closeAdj: close === row.close || row.closeAdj === null ? row.closeAdj : row.closeAdj * (close / row.close),
    };
    found.set(index, { rule: 'unit', reason: 'some of its prices are 100 times off beside the others', repaired });
  }
  return found;
}

function scaled(row: PriceRow, factor: number, volumeFactor = 1): PriceRow {
  // Prices have few digits: a division must not leave a tail that the source never had.
  const by = (value: number) => Number((value * factor).toPrecision(12));
  return {
    ...row,
    open: by(row.open),
    high: by(row.high),
    low: by(row.low),
    close: by(row.close),
    closeAdj: row.closeAdj === null ? null : by(row.closeAdj),
    volume: row.volume === null ? null : row.volume * volumeFactor,
  };
}
