/** Minimises a function of a few variables without its gradient (Nelder and Mead 1965), within a budget of evaluations. */

interface Vertex {
  at: number[];
  value: number;
}

/**
 * @param start first guess
 * @param step size of the first simplex in each variable
 * @param evaluations most calls of `cost`; the best point so far is returned when they are used up
 */
export function minimise(
  cost: (at: readonly number[]) => number,
  start: readonly number[],
  step: number,
  evaluations: number,
): number[] {
  let left = evaluations;
  const measure = (at: number[]): Vertex => {
    left -= 1;
    const value = cost(at);
    return { at, value: Number.isNaN(value) ? Number.POSITIVE_INFINITY : value };
  };
  const simplex = [
    measure([...start]),
    ...start.map((_, i) => measure(start.map((value, j) => value + (i === j ? step : 0)))),
  ];
  const byValue = (a: Vertex, b: Vertex): number => a.value - b.value;
  while (left > 0) {
    simplex.sort(byValue);
    const [best, worst, second] = [simplex[0], simplex.at(-1), simplex.at(-2)];
    if (best === undefined || worst === undefined || second === undefined) break;
    if (Math.abs(worst.value - best.value) <= 1e-6 * Math.abs(best.value)) break;
    const centre = start.map((_, i) => mean(simplex.slice(0, -1).map(({ at }) => at[i] ?? 0)));
    const along = (by: number): Vertex => measure(centre.map((value, i) => value + by * (value - (worst.at[i] ?? 0))));
    const reflected = along(1);
    if (reflected.value < best.value) {
      const expanded = along(2);
      simplex[simplex.length - 1] = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < second.value) {
      simplex[simplex.length - 1] = reflected;
    } else {
      const contracted = along(reflected.value < worst.value ? 0.5 : -0.5);
      if (contracted.value < Math.min(worst.value, reflected.value)) simplex[simplex.length - 1] = contracted;
      else {
        for (let v = 1; v < simplex.length; v++) {
          simplex[v] = measure((simplex[v]?.at ?? []).map((value, i) => ((best.at[i] ?? 0) + value) / 2));
        }
      }
    }
  }
  return simplex.sort(byValue)[0]?.at ?? [...start];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
