/**
 * Which model is shown. Prices are close to a random walk, so the last price is shown unless another model has been
 * better by a margin, and more surely than luck explains.
 */
import { dieboldMariano } from './evaluation/diebold-mariano.ts';
import { skill } from './evaluation/measures.ts';

/** Mean pinball loss at each origin, in the order of the origins; null where the model refused. */
export interface ModelLosses {
  name: string;
  losses: readonly (number | null)[];
}

const FEWEST_TRIALS = 4;
const MARGIN = 0.02;
/** Of false claims in a hundred random walks, shared between the candidates (Bonferroni). */
const FALSE_CLAIMS = 0.025;

/**
 * First whether any model is better than the reference, all tried at once; then which of those that are, each for itself.
 * @param others in the order of preference: a later one is taken only when it was better by more than the margin, in the
 *   same trials
 * @returns the name of the model to show: `reference.name` unless another one has earned it
 */
export function chooseShown(reference: ModelLosses, others: readonly ModelLosses[]): string {
  const candidates = others.flatMap((model) => {
    const gains = gainsOver(reference, model);
    const known = gains.flatMap((gain) => gain ?? []);
    const { mean, pValue } = dieboldMariano(known);
    return known.length >= FEWEST_TRIALS && mean >= MARGIN && pValue <= FALSE_CLAIMS
      ? [{ name: model.name, gains, pValue }]
      : [];
  });
  if (!candidates.some(({ pValue }) => pValue <= FALSE_CLAIMS / others.length)) return reference.name;
  const best = candidates.reduce((a, b) => (advantage(b.gains, a.gains) > MARGIN ? b : a));
  return best.name;
}

/** Skill at each origin; null where one of the two refused. */
function gainsOver(reference: ModelLosses, { losses }: ModelLosses): (number | null)[] {
  return losses.map((loss, k) => {
    const walk = reference.losses[k] ?? null;
    return loss === null || walk === null || walk === 0 ? null : skill(loss, walk);
  });
}

/** Mean difference where both have a figure. */
function advantage(gains: readonly (number | null)[], over: readonly (number | null)[]): number {
  const differences = gains.flatMap((gain, k) => {
    const other = over[k] ?? null;
    return gain === null || other === null ? [] : [gain - other];
  });
  return differences.length === 0 ? 0 : differences.reduce((a, b) => a + b, 0) / differences.length;
}
