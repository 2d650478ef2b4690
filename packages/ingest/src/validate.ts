/** Bad input gets a name and is refused; the rest of the batch is kept. */
import type { NativeResolution } from '@tapecast/contracts/resolution';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { UnixSeconds } from '@tapecast/contracts/units';
import type { Quote, Rejection, RejectionReason, SourceBar } from './sources/source.ts';

/** How far a vendor's clock may be ahead of ours. */
export const CLOCK_SKEW_SECONDS = 120;

export interface ValidBar extends SourceBar {
  open: number;
  high: number;
  low: number;
  close: number;
}

export interface ValidQuote extends Quote {
  price: number;
  time: UnixSeconds;
}

interface Judged<T> {
  kept: T[];
  rejected: Rejection[];
}

/** @param now Unix seconds */
export function validateBars(
  ticker: Ticker,
  resolution: NativeResolution,
  bars: readonly SourceBar[],
  now: number,
): Judged<ValidBar> {
  const judged: Judged<ValidBar> = { kept: [], rejected: [] };
  for (const bar of bars) {
    const reason = barFault(bar, now);
    if (reason === null) judged.kept.push(bar as ValidBar);
    else judged.rejected.push({ ticker, resolution, reason, raw: bar });
  }
  return judged;
}

function barFault(bar: SourceBar, now: number): RejectionReason | null {
  if (!Number.isFinite(bar.time)) return 'missing_time';
  for (const price of [bar.open, bar.high, bar.low, bar.close]) {
    const fault = priceFault(price);
    if (fault !== null) return fault;
  }
  if (bar.closeAdj !== null && !Number.isFinite(bar.closeAdj)) return 'not_a_number';
  if (bar.volume !== null && !Number.isFinite(bar.volume)) return 'not_a_number';
  if (bar.high !== null && bar.low !== null && bar.high < bar.low) return 'high_below_low';
  if (bar.volume !== null && bar.volume < 0) return 'negative_volume';
  return bar.time > now + CLOCK_SKEW_SECONDS ? 'in_the_future' : null;
}

function priceFault(price: number | null): RejectionReason | null {
  if (price === null) return 'null_price';
  if (!Number.isFinite(price)) return 'not_a_number';
  return price > 0 ? null : 'not_positive';
}

/**
 * @param now Unix seconds
 * @param lastTimes newest quote time that was accepted, by ticker
 */
export function validateQuotes(
  quotes: readonly Quote[],
  now: number,
  lastTimes: ReadonlyMap<Ticker, UnixSeconds>,
): Judged<ValidQuote> {
  const judged: Judged<ValidQuote> = { kept: [], rejected: [] };
  for (const quote of quotes) {
    const { ticker } = quote.instrument;
    const reason = quoteFault(quote, now, lastTimes.get(ticker));
    if (reason === null) judged.kept.push(reconciled(quote as ValidQuote));
    else judged.rejected.push({ ticker, resolution: null, reason, raw: quote });
  }
  return judged;
}

function quoteFault(quote: Quote, now: number, last: UnixSeconds | undefined): RejectionReason | null {
  const fault = priceFault(quote.price);
  if (fault !== null) return fault;
  if (quote.time === null) return 'missing_time';
  if (quote.time > now + CLOCK_SKEW_SECONDS) return 'in_the_future';
  if (last !== undefined && quote.time < last) return 'older_than_last';
  if (isInOtherUnit(quote)) return 'other_unit';
  if (quote.dayHigh !== null && quote.dayLow !== null && quote.dayHigh < quote.dayLow) return 'high_below_low';
  return quote.dayVolume !== null && quote.dayVolume < 0 ? 'negative_volume' : null;
}

/** Logarithms: how far from 100 a price in pence among values in pounds may be. */
const UNIT_TOLERANCE = 0.35;

/** The price is about 100 times off beside both the day's open and the close before: an error, or it would open elsewhere. */
function isInOtherUnit({ price, previousClose, dayOpen }: Quote): boolean {
  return [previousClose, dayOpen].every((value) => {
    if (price === null || value === null || priceFault(value) !== null) return false;
    return Math.abs(Math.abs(Math.log(price / value)) - Math.log(100)) <= UNIT_TOLERANCE;
  });
}

/** Day values that no day can have are left out; the vendor's day range may lag behind its own last price. */
function reconciled(quote: ValidQuote): ValidQuote {
  const { price } = quote;
  const usable = (value: number | null) => (priceFault(value) === null ? value : null);
  const dayOpen = usable(quote.dayOpen);
  const dayHigh = usable(quote.dayHigh);
  const dayLow = usable(quote.dayLow);
  return {
    ...quote,
    previousClose: usable(quote.previousClose),
    dayOpen,
    dayHigh: dayHigh === null ? null : Math.max(dayHigh, price, dayOpen ?? price),
    dayLow: dayLow === null ? null : Math.min(dayLow, price, dayOpen ?? price),
    dayVolume: quote.dayVolume !== null && Number.isFinite(quote.dayVolume) ? quote.dayVolume : null,
  };
}
