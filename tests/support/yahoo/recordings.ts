/** Recorded replies of Yahoo: those of TEST_DATA_DIR where they are at hand, small ones of our own else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Json = Record<string, unknown>;

export interface RecordedChart {
  meta: Json;
  timestamp: number[];
  /** open, high, low, close, volume */
  columns: Record<string, (number | null)[]>;
  adjclose: (number | null)[] | null;
}

export interface Recordings {
  quotes: ReadonlyMap<string, Json>;
  /** Daily charts. */
  charts: ReadonlyMap<string, RecordedChart>;
}

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'yahoo');

/** @param dataDir folder with `yahoo/*.json`; later folders win over our own fixtures */
export function loadRecordings(dataDir: string | undefined): Recordings {
  const quotes = new Map<string, Json>();
  const charts = new Map<string, RecordedChart>();
  const folders = [FIXTURES, ...(dataDir === undefined ? [] : [join(dataDir, 'yahoo')])];
  for (const folder of folders.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder)) {
      const quote = /^quote-(.+)\.json$/.exec(name)?.[1];
      const chart = /^chart-(.+)-1d\.json$/.exec(name)?.[1];
      if (quote !== undefined) quotes.set(quote, readQuote(bodyOf(join(folder, name))));
      if (chart !== undefined) charts.set(chart, readChart(bodyOf(join(folder, name))));
    }
  }
  return { quotes, charts };
}

function bodyOf(path: string): unknown {
  return (JSON.parse(readFileSync(path, 'utf8')) as { body: unknown }).body;
}

function readQuote(body: unknown): Json {
  const [quote] = (body as { quoteResponse: { result: Json[] } }).quoteResponse.result;
  if (quote === undefined) throw new Error('a recorded quote has no result');
  return quote;
}

interface ChartBody {
  chart: {
    result: {
      meta: Json;
      timestamp: number[];
      indicators: { quote: Record<string, (number | null)[]>[]; adjclose?: { adjclose: (number | null)[] }[] };
    }[];
  };
}

function readChart(body: unknown): RecordedChart {
  const [result] = (body as ChartBody).chart.result;
  const columns = result?.indicators.quote[0];
  if (result === undefined || columns === undefined) throw new Error('a recorded chart has no result');
  const adjclose = result.indicators.adjclose?.[0]?.adjclose ?? null;
  return { meta: result.meta, timestamp: result.timestamp, columns, adjclose };
}
