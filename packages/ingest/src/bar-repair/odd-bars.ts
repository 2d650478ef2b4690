/** Bars that a market could have made, but hardly did: they are shown as they came, and marked. */
import { type Judgement } from '@tapecast/db/bar-repairs';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type PriceRow } from '@tapecast/db/write-bars';

/** Logarithms: a bar that is off by less is not even odd, however quiet its neighbours are. */
const LEAST_SPIKE: Record<NativeResolution, number> = { '1m': 0.1, '1h': 0.15, '1d': 0.25 };
/** A newest bar that is off by more may be a new level, or an error: the next bar tells. */
const LEAST_JUMP: Record<NativeResolution, number> = { '1m': Math.log(2), '1h': Math.log(2), '1d': Math.log(3) };
/** A spike stands out from its neighbours' usual moves by this many of them. */
const SPIKE_MOVES = 12;
/** Bars before and after a spike agree with each other within this share of its size. */
const RETURN_SHARE = 0.25;
/** Whoever trades at a price leaves volume: with so many times the usual one it was a real move. */
const BUSY_TIMES = 3;
const WINDOW = 20;
/** Fewer moves than these tell nothing about what is usual. */
const FEWEST_MOVES = 6;

/** @returns what to say of the bar at a place */
export function findOddBars(rows: readonly PriceRow[], resolution: NativeResolution): (index: number) => Judgement {
  const moves = rows.map(({ close }, index) => Math.abs(Math.log(close / (rows[index - 1]?.close ?? close))));
  return (index) => {
    const row = rows[index];
    const before = rows[index - 1];
    if (row === undefined || before === undefined) return { verdict: 'open' };
    if (repeats(row, before)) {
      return { verdict: 'flag', rule: 'duplicate', reason: 'prices and volume are those of the bar before' };
    }
    const after = rows[index + 1];
    if (after === undefined) return judgeNewest(row, before, LEAST_JUMP[resolution]);
    // Nearly every bar: what is usual here need not be known.
    const least = LEAST_SPIKE[resolution];
    if (judgeSpike(row, before, after, least).verdict === 'good') return { verdict: 'good' };
    // Its own two moves do not tell what is usual.
    const near = [...moves.slice(Math.max(1, index - WINDOW), index), ...moves.slice(index + 2, index + WINDOW + 1)];
    if (near.length < FEWEST_MOVES) return { verdict: 'open' };
    if (isBusy(rows, index)) return { verdict: 'good' };
    const usual = Math.max(SPIKE_MOVES * median(near), least);
    return judgeSpike(row, before, after, usual);
  };
}

function judgeSpike(row: PriceRow, before: PriceRow, after: PriceRow, usual: number): Judgement {
  const apart = Math.abs(Math.log(after.close / before.close));
  const level = Math.sqrt(before.close * after.close);
  const off = Math.log(row.close / level);
  if (Math.abs(off) > usual && apart < RETURN_SHARE * Math.abs(off)) return spike(off, 'its close is');
  // A wick stands out from the bodies of all three bars.
  const bodies = [row.open, row.close, before.close, before.open, after.open, after.close];
  const above = Math.log(row.high / Math.max(...bodies));
  const below = Math.log(row.low / Math.min(...bodies));
  if (above > usual && apart < RETURN_SHARE * above) return spike(above, 'its high is');
  if (-below > usual && apart < RETURN_SHARE * -below) return spike(below, 'its low is');
  return { verdict: 'good' };
}

function spike(off: number, what: string): Judgement {
  const percent = Math.round(100 * (Math.exp(Math.abs(off)) - 1));
  return {
    verdict: 'flag',
    rule: 'spike',
    reason: `${what} ${percent} % ${off > 0 ? 'above' : 'below'} the bars before and after, which agree`,
  };
}

function judgeNewest(row: PriceRow, before: PriceRow, least: number): Judgement {
  const off = Math.log(row.close / before.close);
  if (Math.abs(off) <= least) return { verdict: 'open' };
  const times = Number(Math.exp(Math.abs(off)).toPrecision(3));
  const reason = `its close is ${times} times ${off > 0 ? 'above' : 'below'} the one before; the next bar tells whether that is a new level`;
  return { verdict: 'flag', rule: 'jump', reason };
}

/** Every price and the volume again, where something was traded at more than one price. */
function repeats(row: PriceRow, before: PriceRow): boolean {
  return (
    (row.volume ?? 0) > 0 &&
    row.high > row.low &&
    row.volume === before.volume &&
    row.open === before.open &&
    row.high === before.high &&
    row.low === before.low &&
    row.close === before.close
  );
}

function isBusy(rows: readonly PriceRow[], index: number): boolean {
  const volume = rows[index]?.volume ?? 0;
  if (volume <= 0) return false;
  const near = rows
    .slice(Math.max(0, index - WINDOW), index + WINDOW + 1)
    .flatMap((row) => (row === rows[index] || row.volume === null || row.volume <= 0 ? [] : [row.volume]));
  return near.length > 0 && volume >= BUSY_TIMES * median(near);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
