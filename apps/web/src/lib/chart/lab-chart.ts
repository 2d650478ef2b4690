/** A run of the lab on a canvas: the price with what was bought and sold, the account beside buy-and-hold, and how deep it fell. */
import type { LiveBar } from '@tapecast/contracts/bar';
import type { LabResult } from '@tapecast/contracts/lab';
import type { ForecastResolution } from '@tapecast/contracts/resolution';
import {
  AreaSeries,
  createChartEx,
  createSeriesMarkers,
  createTextWatermark,
  LineSeries,
  type IChartApiBase,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type ITextWatermarkPluginApi,
  type LineData,
  type MouseEventParams,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import { formatPercent } from '../market/numbers.ts';
import { isDated } from '../market/resolutions.ts';
import { barTime } from '../market/times.ts';
import { paperOf, priceFormatOf, writeBehind } from './chart-look.ts';
import { DividerPrimitive } from './divider-primitive.ts';
import { fade, type Palette } from './palette.ts';
import { ZonedTimeScale } from './zoned-time-scale.ts';

export interface LabDrawing {
  resolution: ForecastResolution;
  decimals: number;
  /** All bars of the run, those that taught the model too. */
  bars: readonly LiveBar[];
  result: LabResult;
}

const PANES = { price: 0, equity: 1, drawdown: 2 };
const STRETCH = [5, 3, 2];
/** Bars of the training part that are in view at first, as a share of the test part. */
const SEEN_BEFORE = 0.35;

const quiet = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerRadius: 3 } as const;
const inPercent = {
  type: 'custom',
  minMove: 0.0001,
  formatter: (share: number) => formatPercent(100 * share),
} as const;

export class LabChart {
  readonly #scale = new ZonedTimeScale();
  readonly #chart: IChartApiBase<Time>;
  readonly #price: ISeriesApi<'Line', Time>;
  readonly #markers: ISeriesMarkersPluginApi<Time>;
  readonly #equity: ISeriesApi<'Line', Time>;
  readonly #hold: ISeriesApi<'Line', Time>;
  readonly #drawdown: ISeriesApi<'Area', Time>;
  readonly #holdDrawdown: ISeriesApi<'Line', Time>;
  readonly #dividers = [
    new DividerPrimitive(['training', 'test']),
    new DividerPrimitive(null),
    new DividerPrimitive(null),
  ];
  readonly #watermark: ITextWatermarkPluginApi<Time> | null;
  readonly #container: HTMLElement;
  #palette: Palette;
  #drawn: LabDrawing | null = null;

  /** @param onHover time under the crosshair, null when it left */
  constructor(container: HTMLElement, palette: Palette, onHover: (time: number | null) => void) {
    this.#container = container;
    this.#palette = palette;
    this.#chart = createChartEx<Time, ZonedTimeScale>(container, this.#scale, {
      autoSize: true,
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false, minBarSpacing: 0.1 },
      localization: { timeFormatter: (time: Time) => barTime(Number(time), this.#drawn?.resolution ?? '1d') },
      kineticScroll: { mouse: false, touch: true },
    });
    this.#price = this.#chart.addSeries(LineSeries, { ...quiet, lineWidth: 1 }, PANES.price);
    this.#markers = createSeriesMarkers<Time>(this.#price, []);
    this.#hold = this.#chart.addSeries(LineSeries, { ...quiet, lineWidth: 1, priceFormat: inPercent }, PANES.equity);
    this.#equity = this.#chart.addSeries(LineSeries, { ...quiet, lineWidth: 2, priceFormat: inPercent }, PANES.equity);
    this.#drawdown = this.#chart.addSeries(
      AreaSeries,
      { ...quiet, lineWidth: 1, priceFormat: inPercent, invertFilledArea: true },
      PANES.drawdown,
    );
    this.#holdDrawdown = this.#chart.addSeries(
      LineSeries,
      { ...quiet, lineWidth: 1, priceFormat: inPercent },
      PANES.drawdown,
    );
    [this.#price, this.#equity, this.#drawdown].forEach((series, i) => {
      const divider = this.#dividers[i];
      if (divider !== undefined) series.attachPrimitive(divider);
    });
    const panes = this.#chart.panes();
    panes.forEach((pane, i) => pane.setStretchFactor(STRETCH[i] ?? 1));
    this.#watermark = panes[0] === undefined ? null : createTextWatermark(panes[0], { lines: [] });
    this.#chart.subscribeCrosshairMove((event: MouseEventParams<Time>) => {
      onHover(event.time === undefined ? null : Number(event.time));
    });
    this.paint(palette);
  }

  paint(palette: Palette): void {
    this.#palette = palette;
    const { muted, accent, down } = palette;
    this.#chart.applyOptions(paperOf(palette));
    this.#equity.applyOptions({ color: accent });
    this.#hold.applyOptions({ color: muted });
    this.#holdDrawdown.applyOptions({ color: muted });
    this.#drawdown.applyOptions({ lineColor: down, topColor: fade(down, 0.05), bottomColor: fade(down, 0.25) });
    if (this.#drawn !== null) this.#fill(this.#drawn);
  }

  draw(next: LabDrawing): void {
    const fresh = this.#drawn?.result !== next.result;
    this.#drawn = next;
    this.#scale.setDated(isDated(next.resolution));
    this.#chart.applyOptions({ timeScale: { timeVisible: !isDated(next.resolution) } });
    this.#price.applyOptions({ priceFormat: priceFormatOf(next.decimals) });
    this.#fill(next);
    if (fresh) this.showTest();
  }

  /** The test part and a little of what came before it. */
  showTest(): void {
    if (this.#drawn === null) return;
    const { bars, result } = this.#drawn;
    const before = Math.round(SEEN_BEFORE * result.data.test);
    const from = Math.max(0, bars.length - result.data.test - before);
    this.#chart.timeScale().setVisibleLogicalRange({ from, to: bars.length + 2 });
  }

  showAll(): void {
    this.#chart.timeScale().fitContent();
  }

  mark(simulated: boolean): void {
    const fontSize = Math.min(48, this.#container.clientWidth / 10);
    writeBehind(this.#watermark, this.#palette, simulated ? 'SIMULATED' : '', fontSize);
  }

  destroy(): void {
    this.#chart.remove();
  }

  #fill({ bars, result }: LabDrawing): void {
    const { text, muted, up, down } = this.#palette;
    const { times, equity, hold, drawdown, holdDrawdown } = result.series;
    const first = times[0] ?? Infinity;
    this.#price.setData(
      bars.map(([time, , , , close]) => ({ ...point(time, close), color: time < first ? muted : text })),
    );
    this.#equity.setData(times.map((time, i) => point(time, (equity[i] ?? 1) - 1)));
    this.#hold.setData(times.map((time, i) => point(time, (hold[i] ?? 1) - 1)));
    this.#drawdown.setData(times.map((time, i) => point(time, drawdown[i] ?? 0)));
    this.#holdDrawdown.setData(times.map((time, i) => point(time, holdDrawdown[i] ?? 0)));
    // As large as room is: at most one arrow in twelve pixels.
    const size = Math.max(0.3, Math.min(1, this.#container.clientWidth / 12 / Math.max(1, result.trades.length)));
    this.#markers.setMarkers(
      result.trades.map(({ time, side }) => ({
        time: time as number as UTCTimestamp,
        position: side === 'buy' ? ('belowBar' as const) : ('aboveBar' as const),
        shape: side === 'buy' ? ('arrowUp' as const) : ('arrowDown' as const),
        color: side === 'buy' ? up : down,
        size,
      })),
    );
    for (const divider of this.#dividers) divider.show(first, muted);
  }
}

function point(time: number, value: number): LineData {
  return { time: time as UTCTimestamp, value };
}
