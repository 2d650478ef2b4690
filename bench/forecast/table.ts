/** Averages of the M4 measures, model by model, beside the competition's own benchmarks. */
import { M4_RULES, type Frequency, type M4Series } from './m4-data.ts';
import { average, mase, msis95, naive2, owa, seasonalNaive, seasonalScale, smape } from './m4-scores.ts';
import { type ForecastAnswer } from './messages.ts';

export interface Score {
  smape: number;
  mase: number;
  owa: number;
}

export interface ScoreTable {
  naive2: Score;
  seasonalNaive: Score;
  /** What the product shows: the median and the 95 % band of the shown model of each series. */
  shown: Score & { msis95: number; coverage95: number };
  /** How often each model was shown. */
  choices: Record<string, number>;
  /** Where a model refused, the last price stands in for it. */
  models: Record<string, Score & { refused: number; seriesPerSecond: number }>;
}

interface Point {
  smape: number;
  mase: number;
}

export function scoreM4(
  series: readonly M4Series[],
  answers: readonly ForecastAnswer[],
  frequency: Frequency,
): ScoreTable {
  const { period, horizon } = M4_RULES[frequency];
  const scales = series.map(({ train }) => seasonalScale(train, period));
  const point = (i: number, forecast: readonly number[]): Point => {
    const actual = series[i]?.test ?? [];
    return { smape: smape(actual, forecast), mase: mase(actual, forecast, scales[i] ?? Number.NaN) };
  };
  const mean = (points: readonly Point[]): Point => ({
    smape: average(points.map((each) => each.smape)),
    mase: average(points.map((each) => each.mase)),
  });
  const reference = mean(series.map(({ train }, i) => point(i, naive2(train, period, horizon))));
  const score = (points: readonly Point[]): Score => {
    const own = mean(points);
    return { ...own, owa: owa(own, reference) };
  };
  const lastValue = (i: number): number[] => new Array<number>(horizon).fill(series[i]?.train.at(-1) ?? Number.NaN);
  const of = (i: number, model: string | null) => answers[i]?.models.find((each) => each.model === model);

  const bands = series.map(({ test }, i) => {
    const { lower, upper } = of(i, answers[i]?.shown ?? null) ?? { lower: lastValue(i), upper: lastValue(i) };
    const inside = test.filter((value, h) => value >= (lower[h] ?? 0) && value <= (upper[h] ?? 0)).length;
    return { msis: msis95(test, lower, upper, scales[i] ?? Number.NaN), coverage: inside / horizon };
  });
  const names = [...new Set(answers.flatMap(({ models }) => models.map(({ model }) => model)))];
  const choices: Record<string, number> = {};
  for (const { shown } of answers) choices[shown ?? 'refused'] = (choices[shown ?? 'refused'] ?? 0) + 1;

  return {
    naive2: score(series.map(({ train }, i) => point(i, naive2(train, period, horizon)))),
    seasonalNaive: score(series.map(({ train }, i) => point(i, seasonalNaive(train, period, horizon)))),
    shown: {
      ...score(series.map((_, i) => point(i, of(i, answers[i]?.shown ?? null)?.median ?? lastValue(i)))),
      msis95: average(bands.map(({ msis }) => msis)),
      coverage95: average(bands.map(({ coverage }) => coverage)),
    },
    choices,
    models: Object.fromEntries(
      names.map((name) => [
        name,
        {
          ...score(series.map((_, i) => point(i, of(i, name)?.median ?? lastValue(i)))),
          refused: series.filter((_, i) => of(i, name) === undefined).length,
          seriesPerSecond: 1_000 / average(answers.map(({ fitMs }) => fitMs[name] ?? Number.NaN)),
        },
      ]),
    ),
  };
}
