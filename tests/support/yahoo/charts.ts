/** Chart replies: recorded daily bars cut to the range asked for, everything else made up and named so. */
import { fromLocal, zoneOffset } from '@tapecast/calendar/zoned-time';
import { round, type StubMarket } from './market.ts';
import type { Json, RecordedChart, Recordings } from './recordings.ts';

export interface ChartReply {
  generated: boolean;
  body: Json;
}

interface Query {
  symbol: string;
  interval: '1m' | '1h' | '1d';
  from: number;
  to: number;
  /** Unix seconds: no bar begins later. */
  now: number;
  nullCloses: boolean;
  events: StubEvents;
  /** Bars of this chart that the vendor gets wrong, by their time. */
  planted: ReadonlyMap<number, PlantedBar>;
  hasBar(time: number): boolean;
}

export interface StubEvents {
  dividends: { date: number; amount: number }[];
  splits: { date: number; numerator: number; denominator: number; splitRatio: string }[];
}

/** What is wrong with a bar: its prices become those, or are multiplied. */
export type PlantedBar = { times: number } | Partial<Record<(typeof NAMES)[number], number | null>>;

const WIDTH = { '1m': 60, '1h': 3_600, '1d': 86_400 };
const NAMES = ['open', 'high', 'low', 'close', 'volume'] as const;

export function chartReply(recordings: Recordings, market: StubMarket, query: Query): ChartReply {
  const recorded = query.interval === '1d' ? recordings.charts.get(query.symbol) : undefined;
  const chart = recorded === undefined ? generate(recordings, market, query) : cut(recorded, query);
  for (const [index, time] of chart.timestamp.entries()) {
    const planted = query.planted.get(time);
    if (planted !== undefined) plant(chart, index, planted);
  }
  if (query.nullCloses) chart.columns['close'] = chart.timestamp.map(() => null);
  const generated = recorded === undefined;
  const meta = {
    ...chart.meta,
    symbol: query.symbol,
    dataGranularity: query.interval,
    ...(generated ? { 'x-tapecast-generated': true } : {}),
  };
  const quote = chart.timestamp.length === 0 ? {} : chart.columns;
  const adjclose = chart.adjclose === null ? {} : { adjclose: [{ adjclose: chart.adjclose }] };
  const inRange = <T extends { date: number }>(events: readonly T[]) =>
    Object.fromEntries(
      events.filter(({ date }) => date >= query.from && date < query.to).map((each) => [String(each.date), each]),
    );
  const { dividends, splits } = query.events;
  const told = { dividends: inRange(dividends), splits: inRange(splits) };
  const result = {
    meta,
    ...(Object.keys({ ...told.dividends, ...told.splits }).length > 0 ? { events: told } : {}),
    ...(chart.timestamp.length === 0 ? {} : { timestamp: chart.timestamp }),
    indicators: { quote: [quote], ...adjclose },
  };
  return { generated, body: { chart: { result: [result], error: null } } };
}

function plant(chart: RecordedChart, index: number, planted: PlantedBar): void {
  for (const name of NAMES) {
    const column = chart.columns[name];
    const value = column?.[index];
    if (column === undefined) continue;
    if ('times' in planted) {
      if (name !== 'volume' && value != null) column[index] = value * planted.times;
    } else if (planted[name] !== undefined) column[index] = planted[name];
  }
}

function cut(chart: RecordedChart, { from, to, hasBar }: Query): RecordedChart {
  const kept = chart.timestamp.flatMap((time, index) => (time >= from && time < to && hasBar(time) ? [index] : []));
  const pick = <T>(values: readonly T[]) => kept.map((index) => values[index] as T);
  return {
    meta: chart.meta,
    timestamp: pick(chart.timestamp),
    columns: Object.fromEntries(Object.entries(chart.columns).map(([name, values]) => [name, pick(values)])),
    adjclose: chart.adjclose && pick(chart.adjclose),
  };
}

/** Around the clock and all week, because the stub's market never closes. Days end with yesterday. */
function generate(recordings: Recordings, market: StubMarket, query: Query): RecordedChart {
  const { symbol, interval, from, to, now, hasBar } = query;
  const width = WIDTH[interval];
  const meta = metaOf(recordings, symbol, now);
  const onTheHour = meta['instrumentType'] !== 'EQUITY' && meta['instrumentType'] !== 'ETF';
  // US hours begin at half past, US days at 14:30Z.
  const anchor = onTheHour || interval === '1m' ? 0 : interval === '1h' ? 1_800 : 52_200;
  const end = interval === '1d' ? Math.floor(now / 86_400) * 86_400 : now;
  const chart: RecordedChart = {
    meta,
    timestamp: [],
    columns: { open: [], high: [], low: [], close: [], volume: [] },
    adjclose: null,
  };
  const decimals = market.decimals(symbol);
  for (let time = Math.ceil((from - anchor) / width) * width + anchor; time < Math.min(to, end); time += width) {
    if (!hasBar(time)) continue;
    const prices = [0, 0.2, 0.4, 0.6, 0.8].map((share) => market.priceAt(symbol, time + share * width));
    prices.push(market.priceAt(symbol, time + width - 1));
    const values = {
      open: prices[0] ?? 1,
      high: Math.max(...prices),
      low: Math.min(...prices),
      close: prices.at(-1) ?? 1,
    };
    chart.timestamp.push(time);
    for (const name of NAMES) {
      const value = name === 'volume' ? 1_000 + (time % 977) : round(values[name], decimals);
      chart.columns[name]?.push(value);
    }
  }
  if (interval === '1d') chart.adjclose = adjusted(chart, query.events);
  return chart;
}

/** As Yahoo does: each dividend takes its share of the close before it off all closes before it. */
function adjusted(chart: RecordedChart, { dividends }: StubEvents): (number | null)[] {
  const closes = chart.columns['close'] ?? [];
  return closes.map((close, index) => {
    let factor = 1;
    for (const { date, amount } of dividends) {
      const last = chart.timestamp.findLastIndex((time) => time < date);
      const before = closes[last];
      if (last >= index && before != null) factor *= 1 - amount / before;
    }
    return close == null ? null : close * factor;
  });
}

function metaOf(recordings: Recordings, symbol: string, now: number): Json {
  const recorded = recordings.charts.get(symbol)?.meta;
  const quote = recordings.quotes.get(symbol);
  const timezone = String(quote?.['exchangeTimezoneName'] ?? 'America/New_York');
  const roundTheClock = quote?.['quoteType'] === 'CRYPTOCURRENCY' || quote?.['quoteType'] === 'CURRENCY';
  const midnight = Math.floor(now / 86_400) * 86_400;
  const start = roundTheClock ? midnight : fromLocal(midnight + 34_200, zoneOffset(timezone));
  const period = { timezone: 'EST', start, end: start + (roundTheClock ? 86_340 : 23_400), gmtoffset: -18_000 };
  return {
    currency: quote?.['currency'] ?? 'USD',
    symbol,
    exchangeName: quote?.['exchange'] ?? 'NMS',
    fullExchangeName: quote?.['fullExchangeName'] ?? 'NasdaqGS',
    instrumentType: quote?.['quoteType'] ?? 'EQUITY',
    firstTradeDate: 345_479_400,
    regularMarketTime: now,
    hasPrePostMarketData: !roundTheClock,
    gmtoffset: -18_000,
    timezone: 'EST',
    exchangeTimezoneName: timezone,
    regularMarketPrice: quote?.['regularMarketPrice'] ?? 100,
    longName: quote?.['longName'] ?? `${symbol} (generated)`,
    chartPreviousClose: quote?.['regularMarketPreviousClose'] ?? 100,
    priceHint: quote?.['priceHint'] ?? 2,
    currentTradingPeriod: { pre: period, regular: period, post: period },
    range: '',
    validRanges: ['1d', '5d'],
    ...recorded,
  };
}
