/** A line between two bars over the height of a pane: what lies left of it taught the model, what lies right of it judged. */
import type {
  IPrimitivePaneRenderer,
  ISeriesPrimitive,
  SeriesAttachedParameter,
  Time,
  UTCTimestamp,
} from 'lightweight-charts';

type Target = Parameters<IPrimitivePaneRenderer['draw']>[0];

export class DividerPrimitive implements ISeriesPrimitive<Time> {
  #attached: SeriesAttachedParameter<Time> | null = null;
  #time: number | null = null;
  #colour = 'rgb(0, 0, 0)';
  readonly #words: readonly [left: string, right: string] | null;
  readonly #views = [
    { zOrder: () => 'top' as const, renderer: () => ({ draw: (target: Target) => this.#draw(target) }) },
  ];

  /** @param words written on both sides of it, at the bottom; null for none */
  constructor(words: readonly [left: string, right: string] | null) {
    this.#words = words;
  }

  attached(parameter: SeriesAttachedParameter<Time>): void {
    this.#attached = parameter;
  }

  detached(): void {
    this.#attached = null;
  }

  paneViews() {
    return this.#views;
  }

  /** @param time of the first bar right of it */
  show(time: number | null, colour: string): void {
    this.#time = time;
    this.#colour = colour;
    this.#attached?.requestUpdate();
  }

  #draw(target: Target): void {
    const scale = this.#attached?.chart.timeScale();
    if (scale === undefined || this.#time === null) return;
    const bar = scale.timeToCoordinate(this.#time as UTCTimestamp);
    if (bar === null) return;
    const x = bar - scale.options().barSpacing / 2;
    target.useMediaCoordinateSpace(({ context, mediaSize: { height } }) => {
      context.strokeStyle = this.#colour;
      context.fillStyle = this.#colour;
      context.lineWidth = 1;
      context.setLineDash([3, 3]);
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, height);
      context.stroke();
      context.setLineDash([]);
      if (this.#words === null) return;
      context.font = "12px 'Inter Variable', sans-serif";
      context.textAlign = 'right';
      context.fillText(this.#words[0], x - 6, 16);
      context.textAlign = 'left';
      context.fillText(this.#words[1], x + 6, 16);
    });
  }
}
