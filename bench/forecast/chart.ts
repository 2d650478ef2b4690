/** A recorded reply of Yahoo's chart endpoint, as bars; a bar without a close is NaN. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Values = z.array(z.number().nullable());
const Quote = z.object({ close: Values, high: Values, low: Values, volume: Values });
const Result = z.object({ indicators: z.object({ quote: z.tuple([Quote]) }) });
const Recorded = z.object({ body: z.object({ chart: z.object({ result: z.tuple([Result]) }) }) });

export interface ChartBars {
  closes: number[];
  highs: number[];
  lows: number[];
  volumes: number[];
}

/** @throws when the file is no recorded chart */
export function readChart(file: string): ChartBars {
  const [{ indicators }] = Recorded.parse(JSON.parse(readFileSync(file, 'utf8'))).body.chart.result;
  const [{ close, high, low, volume }] = indicators.quote;
  const clean = (values: (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);
  return { closes: clean(close), highs: clean(high), lows: clean(low), volumes: clean(volume) };
}
