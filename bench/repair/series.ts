/** Bars to try the rules on: recorded daily ones, and made-up ones of the kinds that must not be taken for errors. */
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type PriceRow } from '@tapecast/db/write-bars';
import { type KnownSplit } from '@tapecast/ingest/bar-repair/footing';
import { normaliseBars } from '@tapecast/ingest/normalise';
import { sessionOf } from '@tapecast/calendar/sessions';
import { drawsAt, type Draws } from '@tapecast/ingest/sources/random';
import { readChart } from '@tapecast/ingest/sources/yahoo-wire';
import { loadRecordings } from '../../tests/support/yahoo/recordings.ts';

export interface Series {
  name: string;
  resolution: NativeResolution;
  bars: PriceRow[];
  splits: KnownSplit[];
}

/** Splits within the recordings, as the companies announced them: the recorded prices are divided by them already. */
const REAL_SPLITS: Record<string, { date: string; ratio: number }[]> = {
  AAPL: [{ date: '2020-08-31', ratio: 4 }],
  NVDA: [{ date: '2021-07-20', ratio: 4 }],
  TSLA: [
    { date: '2020-08-31', ratio: 5 },
    { date: '2022-08-25', ratio: 3 },
  ],
};

/** @param dataDir folder with `yahoo/chart-*-1d.json`; without it the project's own small recording */
export function recordedSeries(dataDir: string | undefined): Series[] {
  return [...loadRecordings(dataDir).charts].map(([name, recorded]) => {
    const reply = {
      meta: recorded.meta,
      timestamp: recorded.timestamp,
      indicators: { quote: [recorded.columns], adjclose: [{ adjclose: recorded.adjclose ?? undefined }] },
    };
    const page = readChart(Ticker.parse(name), reply);
    const session = sessionOf(page.instrument);
    const now = Date.now() / 1_000;
    const { rows } = normaliseBars({ page, resolution: '1d', session, source: 'yahoo', delaySeconds: 0, now });
    const splits = (REAL_SPLITS[name] ?? []).map(({ date, ratio }) => ({ time: Date.parse(date) / 1_000, ratio }));
    return { name, resolution: '1d' as const, bars: rows, splits };
  });
}

interface Walk {
  name: string;
  resolution: NativeResolution;
  count: number;
  volatility: number;
  /** Log return of a bar, instead of an ordinary one; `quiet`: without more volume than usual. */
  shocks?: (index: number, draws: Draws) => number | null;
}

const WIDTH: Record<NativeResolution, number> = { '1m': 60, '1h': 3_600, '1d': 86_400 };

function walk({ name, resolution, count, volatility, shocks }: Walk, seed: number): Series {
  const draws = drawsAt(seed, 7);
  const bars: PriceRow[] = [];
  let close = 40;
  for (let index = 0; index < count; index += 1) {
    const shock = shocks?.(index, draws) ?? null;
    const open = close * Math.exp(resolution === '1d' ? 0.3 * volatility * draws.normal() : 0);
    close = open * Math.exp(shock ?? volatility * draws.normal());
    const [top, bottom] = [draws.normal(), draws.normal()].map((draw) => Math.exp(0.5 * volatility * Math.abs(draw)));
    const cents = (value: number) => Math.max(0.01, Math.round(value * 100) / 100);
    const busy = shock === null ? 1 : 4 + 10 * draws.uniform();
    bars.push({
      time: unixSeconds(1_700_000_000 - (1_700_000_000 % 86_400) + index * WIDTH[resolution]),
      ticker: name,
      open: cents(open),
      high: cents(Math.max(open, close) * (top ?? 1)),
      low: cents(Math.min(open, close) / (bottom ?? 1)),
      close: cents(close),
      closeAdj: null,
      volume: Math.round(1e5 * busy * Math.exp(0.5 * draws.normal())),
      source: 'made-up',
    });
  }
  return { name, resolution, bars, splits: [] };
}

/** Real markets at their worst: none of these bars is an error. */
export function wildSeries(): Series[] {
  const crash = (index: number) => (index === 500 ? Math.log(0.8) : index === 501 ? Math.log(1.05) : null);
  const earnings = (index: number, draws: Draws) => (index % 63 === 62 ? 0.2 * draws.normal() : null);
  // Pumped within minutes, halted, and back: in 2021 single minutes moved by a third.
  const meme = (index: number, draws: Draws) => (index % 390 > 60 && index % 390 < 75 ? 0.12 * draws.normal() : null);
  const flash = (index: number) => (index % 780 === 400 ? Math.log(0.9) : index % 780 === 401 ? Math.log(1.08) : null);
  return [
    walk({ name: 'crash like 1987', resolution: '1d', count: 1_000, volatility: 0.012, shocks: crash }, 1),
    walk({ name: 'earnings gaps', resolution: '1d', count: 2_520, volatility: 0.02, shocks: earnings }, 2),
    walk({ name: 'penny share', resolution: '1d', count: 1_000, volatility: 0.12 }, 3),
    walk({ name: 'meme share', resolution: '1m', count: 3_900, volatility: 0.004, shocks: meme }, 4),
    walk({ name: 'flash crashes', resolution: '1m', count: 7_800, volatility: 0.0008, shocks: flash }, 5),
    walk({ name: 'quiet hours', resolution: '1h', count: 5_000, volatility: 0.004 }, 6),
  ];
}
