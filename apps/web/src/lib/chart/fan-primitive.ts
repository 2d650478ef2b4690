/** Draws the forecast under the candles: 90 % and 50 % bands and a dashed median, from the last close into the future. */
import type {
  AutoscaleInfo,
  IPrimitivePaneRenderer,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  Time,
  UTCTimestamp,
} from 'lightweight-charts';
import { shapeFan, type FanPoint, type Vertex } from '../market/fan.ts';
import { fade } from './palette.ts';

const OPACITY_90 = 0.12;
const OPACITY_50 = 0.24;

type Target = Parameters<IPrimitivePaneRenderer['draw']>[0];

export class FanPrimitive implements ISeriesPrimitive<Time> {
  #attached: SeriesAttachedParameter<Time> | null = null;
  #points: readonly FanPoint[] = [];
  #colour = 'rgb(0, 0, 0)';
  readonly #views = [
    { zOrder: () => 'bottom' as const, renderer: () => ({ draw: (target: Target) => this.#draw(target) }) },
  ];

  attached(parameter: SeriesAttachedParameter<Time>): void {
    this.#attached = parameter;
  }

  detached(): void {
    this.#attached = null;
  }

  paneViews() {
    return this.#views;
  }

  show(points: readonly FanPoint[], colour: string): void {
    this.#points = points;
    this.#colour = colour;
    this.#attached?.requestUpdate();
  }

  /** Widens the price scale by what is in view of the fan. */
  autoscaleInfo(from: Logical, to: Logical): AutoscaleInfo | null {
    const scale = this.#attached?.chart.timeScale();
    const seen = this.#points.filter(({ time }) => {
      const index = scale?.timeToIndex(time as UTCTimestamp) ?? null;
      return index !== null && index >= from && index <= to;
    });
    if (seen.length === 0) return null;
    return {
      priceRange: {
        minValue: Math.min(...seen.map((point) => point.low90)),
        maxValue: Math.max(...seen.map((point) => point.high90)),
      },
    };
  }

  #draw(target: Target): void {
    const attached = this.#attached;
    if (attached === null || this.#points.length < 2) return;
    const scale = attached.chart.timeScale();
    const shape = shapeFan(
      this.#points,
      (time) => scale.timeToCoordinate(time as UTCTimestamp),
      (price) => attached.series.priceToCoordinate(price),
    );
    target.useMediaCoordinateSpace(({ context }) => {
      fillBand(context, shape.band90, fade(this.#colour, OPACITY_90));
      fillBand(context, shape.band50, fade(this.#colour, OPACITY_50));
      context.beginPath();
      trace(context, shape.median);
      context.strokeStyle = this.#colour;
      context.lineWidth = 1.5;
      context.setLineDash([5, 4]);
      context.stroke();
      context.setLineDash([]);
    });
  }
}

function trace(context: CanvasRenderingContext2D, outline: readonly Vertex[]): void {
  for (const [index, [x, y]] of outline.entries()) {
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
}

function fillBand(context: CanvasRenderingContext2D, outline: readonly Vertex[], fill: string): void {
  context.beginPath();
  trace(context, outline);
  context.closePath();
  context.fillStyle = fill;
  context.fill();
}
