/**
 * Quantiles around a path, learnt from how far forecasts have been off. They are symmetric in the logarithm, so the median
 * is the path and quantiles rise by construction.
 */
import { type ErrorShape } from './error-shape.ts';
import { type ModelErrors } from './model-errors.ts';

/** No path may lead farther from the last close than so many times the random walk's 95 % band. */
const FARTHEST = 4;

/**
 * @param path expected logarithms
 * @param last logarithm of the last close
 * @returns logarithms: one row a step, one value a level, rising
 */
export function quantilesAround(options: {
  path: Float64Array;
  last: number;
  scales: Float64Array;
  errors: ModelErrors;
  shape: ErrorShape;
  levels: readonly number[];
}): number[][] {
  const { path, last, scales, errors, shape, levels } = options;
  return Array.from(path, (expected, step) => {
    const scale = scales[step] ?? 0;
    const farthest = FARTHEST * scale * shape.halfWidth(step, 0.95);
    const centre = Math.min(last + farthest, Math.max(last - farthest, expected));
    return levels.map((level) => {
      const width = scale * errors.halfWidth(step, Math.abs(2 * level - 1));
      return level < 0.5 ? centre - width : level > 0.5 ? centre + width : centre;
    });
  });
}
