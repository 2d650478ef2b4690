/**
 * The library's time scale with its ticks weighed and named in the viewer's zone, or in UTC for bars that stand for a
 * date.
 */
import {
  defaultHorzScaleBehavior,
  type Mutable,
  type TickMark,
  type TickMarkWeightValue,
  type TimeScalePoint,
} from 'lightweight-charts';
import { tickText, tickWeight, utcOffset, viewerOffset } from './tick-weights.ts';

const TimeScale = defaultHorzScaleBehavior();

export class ZonedTimeScale extends TimeScale {
  #dated = false;

  setDated(dated: boolean): void {
    this.#dated = dated;
  }

  override formatTickmark(mark: TickMark): string {
    return tickText(Number(mark.originalTime), mark.weight, this.#dated ? 'UTC' : undefined);
  }

  override fillWeightsForPoints(points: readonly Mutable<TimeScalePoint>[], startIndex: number): void {
    const offset = this.#dated ? utcOffset : viewerOffset;
    const times = points.map((point) => Number(point.originalTime));
    for (let index = startIndex; index < points.length; index += 1) {
      const [point, time] = [points[index], times[index]];
      if (point === undefined || time === undefined) continue;
      // Nothing comes before the first point: take the one before to be as far off as the second.
      const before = times[index - 1] ?? 2 * time - (times[1] ?? time + 60);
      point.timeWeight = tickWeight(time, before, offset) as TickMarkWeightValue;
    }
  }
}
