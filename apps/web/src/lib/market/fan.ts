/** A forecast as the fan that is drawn: a median between a 50 % and a 90 % band, opening from the last price that it knew. */
import type { LiveBar } from '@tapecast/contracts/bar';
import type { Forecast } from '@tapecast/contracts/forecast';

export interface FanPoint {
  /** Key of the bar whose close is forecast. */
  time: number;
  low90: number;
  low50: number;
  median: number;
  high50: number;
  high90: number;
}

const LEVELS = { low90: 0.05, low50: 0.25, median: 0.5, high50: 0.75, high90: 0.95 } as const;

/** Empty where the forecast lacks one of the levels: half a fan would be misread. */
export function fanOf(forecast: Forecast): FanPoint[] {
  const column = (level: number) => forecast.quantiles.findIndex((each) => Math.abs(each - level) < 1e-9);
  const columns = Object.entries(LEVELS).map(([name, level]) => [name, column(level)] as const);
  if (columns.some(([, index]) => index < 0)) return [];
  return forecast.points.map(([time, ...values]) => ({
    time,
    ...(Object.fromEntries(columns.map(([name, index]) => [name, values[index]])) as Omit<FanPoint, 'time'>),
  }));
}

/** The last bar that the model knew: the fan opens from its close. */
export function anchorOf(forecast: Forecast, bars: readonly LiveBar[]): LiveBar | undefined {
  const first = forecast.points[0]?.[0] ?? 0;
  return bars.findLast(([time]) => time < forecast.madeAt && time < first);
}

/** The fan with the close from which it opens; without one, the fan alone. */
export function openFan(forecast: Forecast, anchor: LiveBar | undefined): FanPoint[] {
  const points = fanOf(forecast);
  if (points.length === 0 || anchor === undefined) return points;
  const [time, , , , close] = anchor;
  return [{ time, low90: close, low50: close, median: close, high50: close, high90: close }, ...points];
}

export type Vertex = [x: number, y: number];

export interface FanShape {
  /** Closed outlines. */
  band90: Vertex[];
  band50: Vertex[];
  median: Vertex[];
}

/** Pixels of the fan. Points that the scales cannot place (null) are left out. */
export function shapeFan(
  points: readonly FanPoint[],
  x: (time: number) => number | null,
  y: (price: number) => number | null,
): FanShape {
  const line = (key: Exclude<keyof FanPoint, 'time'>): Vertex[] =>
    points.flatMap((point) => {
      const [left, top] = [x(point.time), y(point[key])];
      return left === null || top === null ? [] : [[left, top] as Vertex];
    });
  return {
    band90: [...line('low90'), ...line('high90').reverse()],
    band50: [...line('low50'), ...line('high50').reverse()],
    median: line('median'),
  };
}
