/**
 * Candles, volume and the forecast fan on a canvas, loaded when a chart is first shown. It is handed whole lists and finds out
 * by itself what changed.
 */
import type { LiveBar } from '@tapecast/contracts/bar';
import type { Resolution } from '@tapecast/contracts/resolution';
import {
  CandlestickSeries,
  createChartEx,
  createSeriesMarkers,
  createTextWatermark,
  HistogramSeries,
  LineSeries,
  type CandlestickData,
  type HistogramData,
  type IChartApiBase,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type ITextWatermarkPluginApi,
  type MouseEventParams,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  type WhitespaceData,
} from 'lightweight-charts';
import type { ChartMark } from '../market/chart-marks.ts';
import type { FanPoint } from '../market/fan.ts';
import { grownFrom } from '../market/merge-bars.ts';
import { formatPrice } from '../market/numbers.ts';
import { isDated } from '../market/resolutions.ts';
import { barTime } from '../market/times.ts';
import { paperOf, priceFormatOf, writeBehind } from './chart-look.ts';
import { FanPrimitive } from './fan-primitive.ts';
import { fade, type Palette } from './palette.ts';
import { ZonedTimeScale } from './zoned-time-scale.ts';

/** Bars of free space right of the last bar, or of the fan. */
const MARGIN_BARS = 4;
/** Older bars are asked for while so many are still hidden on the left. */
const OLDER_AHEAD = 60;
const VOLUME_OPACITY = 0.4;

export interface PriceChartOptions {
  /** Time under the crosshair, null when it left. */
  onHover: (time: number | null) => void;
  /** The first held bar is nearly in view. */
  onNeedOlder: () => void;
}

export interface Drawn {
  /** Names the series: another one starts with a fresh view. */
  key: string;
  resolution: Resolution;
  decimals: number;
  bars: readonly LiveBar[];
  fan: readonly FanPoint[];
  marks?: readonly ChartMark[];
}

export class PriceChart {
  readonly #scale = new ZonedTimeScale();
  readonly #chart: IChartApiBase<Time>;
  readonly #candles: ISeriesApi<'Candlestick', Time>;
  readonly #volume: ISeriesApi<'Histogram', Time>;
  /** Holds the times of the fan, so that the time scale knows the future. */
  readonly #horizon: ISeriesApi<'Line', Time>;
  readonly #fan = new FanPrimitive();
  readonly #marks: ISeriesMarkersPluginApi<Time>;
  readonly #container: HTMLElement;
  readonly #watermark: ITextWatermarkPluginApi<Time> | null;
  #palette: Palette;
  #marked = '';
  #muted = false;
  #drawn: Drawn = { key: '', resolution: '1h', decimals: 2, bars: [], fan: [] };
  #rightOffset = MARGIN_BARS;

  constructor(container: HTMLElement, palette: Palette, options: PriceChartOptions) {
    this.#container = container;
    this.#palette = palette;
    this.#chart = createChartEx<Time, ZonedTimeScale>(container, this.#scale, {
      autoSize: true,
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.2, bottom: 0.24 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        minBarSpacing: 1,
        allowShiftVisibleRangeOnWhitespaceReplacement: true,
      },
      localization: {
        priceFormatter: (price: number) => formatPrice(price, this.#drawn.decimals),
        timeFormatter: (time: Time) => barTime(Number(time), this.#drawn.resolution),
      },
      kineticScroll: { mouse: false, touch: true },
    });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.8, bottom: 0 } });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.#candles.attachPrimitive(this.#fan);
    this.#marks = createSeriesMarkers<Time>(this.#candles, []);
    this.#horizon = this.#chart.addSeries(LineSeries, { lastValueVisible: false, priceLineVisible: false });
    const [pane] = this.#chart.panes();
    this.#watermark = pane === undefined ? null : createTextWatermark(pane, { lines: [] });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && range.from < OLDER_AHEAD && this.#drawn.bars.length > 0) options.onNeedOlder();
    });
    this.#chart.subscribeCrosshairMove((event: MouseEventParams<Time>) => {
      options.onHover(event.time === undefined ? null : Number(event.time));
    });
    this.paint(palette);
  }

  paint(palette: Palette): void {
    this.#palette = palette;
    const { up, down } = palette;
    this.#chart.applyOptions(paperOf(palette));
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#volume.setData(this.#drawn.bars.map((bar) => this.#volumeOf(bar)));
    this.#fan.show(this.#drawn.fan, palette.forecast);
    this.#drawMarks();
    this.mark(this.#marked);
    this.mute(this.#muted);
  }

  /** A faint word behind the candles; empty for none. */
  mark(text: string): void {
    this.#marked = text;
    const fontSize = Math.max(28, Math.min(80, this.#container.clientWidth / 10));
    writeBehind(this.#watermark, this.#palette, text, fontSize);
  }

  /** A stale price loses its colour. */
  mute(stale: boolean): void {
    this.#muted = stale;
    this.#candles.applyOptions({ priceLineColor: stale ? this.#palette.muted : '' });
  }

  /** Pixels that the price labels take on the right. */
  get scaleWidth(): number {
    return this.#chart.priceScale('right').width();
  }

  /** Keeps the top of the chart free for the legend, in pixels. */
  keepFree(top: number): void {
    const height = Math.max(1, this.#container.clientHeight - 28);
    const share = Math.min(0.5, top / height);
    this.#chart.priceScale('right').applyOptions({ scaleMargins: { top: share, bottom: 0.24 } });
  }

  draw(next: Drawn): void {
    const before = this.#drawn;
    const fresh = before.key !== next.key;
    this.#drawn = next;
    if (fresh) {
      this.#scale.setDated(isDated(next.resolution));
      this.#chart.applyOptions({ timeScale: { timeVisible: !isDated(next.resolution) } });
      this.#candles.applyOptions({ priceFormat: priceFormatOf(next.decimals) });
    }
    this.#drawBars(fresh ? [] : before.bars, next.bars);
    if (fresh || before.fan !== next.fan) this.#drawFan(before.fan, next.fan);
    if (fresh || before.marks !== next.marks) this.#drawMarks();
    if (next.bars.length > 0 && (fresh || before.bars.length === 0)) this.#resetView();
  }

  pan(bars: number): void {
    const scale = this.#chart.timeScale();
    scale.scrollToPosition(scale.scrollPosition() + bars, false);
  }

  zoom(factor: number): void {
    const scale = this.#chart.timeScale();
    scale.applyOptions({ barSpacing: Math.min(60, Math.max(1, scale.options().barSpacing * factor)) });
  }

  toNewest(): void {
    this.#chart.timeScale().scrollToPosition(this.#rightOffset, false);
  }

  destroy(): void {
    this.#chart.remove();
  }

  #drawBars(before: readonly LiveBar[], after: readonly LiveBar[]): void {
    const from = grownFrom(before, after);
    if (from === null || before.length === 0) {
      this.#candles.setData(after.map(candleOf));
      this.#volume.setData(after.map((bar) => this.#volumeOf(bar)));
      return;
    }
    for (const bar of after.slice(from)) {
      this.#candles.update(candleOf(bar));
      this.#volume.update(this.#volumeOf(bar));
    }
  }

  #drawFan(before: readonly FanPoint[], after: readonly FanPoint[]): void {
    // A target that passed without a bar would leave a hole between the candles.
    const last = this.#drawn.bars.at(-1)?.[0] ?? 0;
    const ahead = after.filter(({ time }) => time > last);
    this.#horizon.setData(ahead.map(({ time }) => ({ time: time as UTCTimestamp })));
    this.#fan.show(after, this.#palette.forecast);
    const scale = this.#chart.timeScale();
    const atNewest = Math.abs(scale.scrollPosition() - this.#rightOffset) < 1;
    if (before.length !== after.length) this.#measureOffset();
    if (atNewest) this.toNewest();
  }

  /** Letters below the bars: quiet ones for what the company did, in the colour of warnings for what may be wrong. */
  #drawMarks(): void {
    const { muted, warn } = this.#palette;
    this.#marks.setMarkers(
      (this.#drawn.marks ?? []).map(({ time, kind, text }): SeriesMarker<Time> => ({
        time: time as UTCTimestamp,
        position: 'belowBar',
        shape: 'circle',
        size: 0.5,
        color: kind === 'flagged' || kind === 'repaired' ? warn : muted,
        text,
      })),
    );
  }

  #measureOffset(): void {
    const last = this.#drawn.bars.at(-1)?.[0] ?? 0;
    this.#rightOffset = this.#drawn.fan.filter(({ time }) => time > last).length + MARGIN_BARS;
  }

  #resetView(): void {
    this.#measureOffset();
    const barSpacing = this.#container.clientWidth < 600 ? 5 : 8;
    this.#chart.priceScale('right').applyOptions({ autoScale: true });
    this.#chart.timeScale().applyOptions({ barSpacing, rightOffset: this.#rightOffset });
    this.toNewest();
  }

  #volumeOf([time, open, , , close, volume]: LiveBar): HistogramData | WhitespaceData {
    if (volume === null) return { time: time as number as UTCTimestamp };
    const { up, down } = this.#palette;
    return {
      time: time as number as UTCTimestamp,
      value: volume,
      color: fade(close < open ? down : up, VOLUME_OPACITY),
    };
  }
}

function candleOf([time, open, high, low, close]: LiveBar): CandlestickData {
  return { time: time as number as UTCTimestamp, open, high, low, close };
}
