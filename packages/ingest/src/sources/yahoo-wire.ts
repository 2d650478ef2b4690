/** Yahoo's replies as far as we read them. Unknown fields are ignored, and one bad symbol does not spoil a batch. */
import { midnightOf, toLocal, zoneOffset } from '@tapecast/calendar/zoned-time';
import { type CorporateAction } from '@tapecast/contracts/actions';
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { z } from 'zod';
import { VendorFormatError } from './errors.ts';
import type { BarsPage, Instrument, Quote } from './source.ts';

/** yahoo-finance2 turns some times into Dates and leaves others, by what its own schema made of the reply. */
const Time = z.union([z.number(), z.date().transform((date) => date.getTime() / 1_000)]).transform(unixSeconds);

const Value = z
  .number()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);
const Text = z
  .string()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);
const Timezone = z.string().refine(isTimezone, 'is not a time zone');
const PriceDecimals = z.int().min(0).max(10).catch(2);

const YahooQuote = z.object({
  symbol: Ticker,
  quoteType: Text,
  longName: Text,
  shortName: Text,
  exchange: Text,
  currency: Text,
  exchangeTimezoneName: Timezone,
  priceHint: PriceDecimals,
  marketState: z.string().catch('CLOSED'),
  regularMarketPrice: Value,
  regularMarketTime: Time.nullish().catch(null),
  regularMarketPreviousClose: Value,
  regularMarketOpen: Value,
  regularMarketDayHigh: Value,
  regularMarketDayLow: Value,
  regularMarketVolume: Value,
  /** Minutes. */
  exchangeDataDelayedBy: z.number().nonnegative().catch(0),
});

/** @returns null when the entry cannot be read as a quote at all */
export function readQuote(entry: unknown): Quote | null {
  const parsed = YahooQuote.safeParse(entry);
  if (!parsed.success) return null;
  const quote = parsed.data;
  return {
    instrument: {
      ticker: quote.symbol,
      name: quote.longName ?? quote.shortName,
      exchange: quote.exchange,
      currency: quote.currency,
      timezone: quote.exchangeTimezoneName,
      instrumentType: quote.quoteType,
      priceDecimals: quote.priceHint,
      sessionOpen: null,
      sessionClose: null,
    },
    price: quote.regularMarketPrice,
    time: quote.regularMarketTime ?? null,
    previousClose: quote.regularMarketPreviousClose,
    dayOpen: quote.regularMarketOpen,
    dayHigh: quote.regularMarketDayHigh,
    dayLow: quote.regularMarketDayLow,
    dayVolume: quote.regularMarketVolume,
    marketState: quote.marketState,
    delaySeconds: quote.exchangeDataDelayedBy * 60,
  };
}

const Column = z.array(z.number().nullable());

const YahooChart = z.object({
  meta: z.object({
    currency: Text,
    exchangeName: Text,
    instrumentType: Text,
    longName: Text,
    shortName: Text,
    exchangeTimezoneName: Timezone,
    priceHint: PriceDecimals,
    currentTradingPeriod: z
      .object({ regular: z.object({ start: Time, end: Time }) })
      .nullish()
      .catch(null),
  }),
  timestamp: z.array(z.number()).optional(),
  indicators: z.object({
    quote: z.array(z.object({ open: Column, high: Column, low: Column, close: Column, volume: Column })),
    adjclose: z.array(z.object({ adjclose: Column.optional() })).optional(),
  }),
  events: z
    .object({
      dividends: z.record(z.string(), z.unknown()).optional(),
      splits: z.record(z.string(), z.unknown()).optional(),
    })
    .optional()
    .catch(undefined),
});

const YahooDividend = z.object({ date: Time, amount: z.number().positive() });
const YahooSplit = z.object({ date: Time, numerator: z.number().positive(), denominator: z.number().positive() });

/** @throws {VendorFormatError} */
export function readChart(ticker: Ticker, reply: unknown): BarsPage {
  const parsed = YahooChart.safeParse(reply);
  if (!parsed.success) {
    throw new VendorFormatError(`Yahoo's chart of ${ticker} has another shape: ${z.prettifyError(parsed.error)}`);
  }
  const { meta, timestamp = [], indicators, events } = parsed.data;
  const [columns] = indicators.quote;
  const adjusted = indicators.adjclose?.[0]?.adjclose;
  const regular = meta.currentTradingPeriod?.regular;
  const instrument: Instrument = {
    ticker,
    name: meta.longName ?? meta.shortName,
    exchange: meta.exchangeName,
    currency: meta.currency,
    timezone: meta.exchangeTimezoneName,
    instrumentType: meta.instrumentType,
    priceDecimals: meta.priceHint,
    ...localHours(regular, meta.exchangeTimezoneName),
  };
  return {
    instrument,
    bars: timestamp.map((time, index) => ({
      time,
      open: columns?.open[index] ?? null,
      high: columns?.high[index] ?? null,
      low: columns?.low[index] ?? null,
      close: columns?.close[index] ?? null,
      closeAdj: adjusted?.[index] ?? null,
      volume: columns?.volume[index] ?? null,
    })),
    actions: readActions(events, meta.exchangeTimezoneName),
  };
}

/** An event that cannot be read is left out: the bars are worth more than it. Its time is that of its day's first bar. */
function readActions(events: z.infer<typeof YahooChart>['events'], timezone: string): CorporateAction[] {
  const offset = zoneOffset(timezone);
  const dateOf = (time: number) => unixSeconds(Math.floor((time + offset(time)) / 86_400) * 86_400);
  const dividends = Object.values(events?.dividends ?? {}).flatMap((told): CorporateAction[] => {
    const { success, data } = YahooDividend.safeParse(told);
    return success ? [{ kind: 'dividend', exDate: dateOf(data.date), amount: data.amount }] : [];
  });
  const splits = Object.values(events?.splits ?? {}).flatMap((told): CorporateAction[] => {
    const { success, data } = YahooSplit.safeParse(told);
    if (!success) return [];
    return [{ kind: 'split', exDate: dateOf(data.date), numerator: data.numerator, denominator: data.denominator }];
  });
  return [...dividends, ...splits].sort((a, b) => a.exDate - b.exDate);
}

const AROUND_THE_CLOCK_SECONDS = 23 * 3_600;

function localHours(regular: { start: UnixSeconds; end: UnixSeconds } | undefined, timezone: string) {
  const none = { sessionOpen: null, sessionClose: null };
  if (regular === undefined) return none;
  const length = regular.end - regular.start;
  if (length <= 0 || length >= AROUND_THE_CLOCK_SECONDS) return none;
  const local = toLocal(regular.start, zoneOffset(timezone));
  const sessionOpen = Math.floor((local - midnightOf(local)) / 60);
  const sessionClose = sessionOpen + Math.floor(length / 60);
  return sessionClose > 24 * 60 ? none : { sessionOpen, sessionClose };
}

function isTimezone(name: string): boolean {
  try {
    zoneOffset(name);
    return true;
  } catch {
    return false;
  }
}
