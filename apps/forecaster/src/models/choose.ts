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
 * @param others the first is the favourite: another is shown in its place only when it was surely better
 * @returns the name of the model to show: `reference.name` unless another one has earned it
 */
export function chooseShown(reference: ModelLosses, others: readonly ModelLosses[]): string {
  const able = others.flatMap((model) => {
    const { trials, mean, pValue } = compare(model, reference);
    return trials >= FEWEST_TRIALS && mean >= MARGIN && pValue <= FALSE_CLAIMS ? [{ model, mean, pValue }] : [];
  });
  const [best] = able.toSorted((a, b) => b.mean - a.mean);
  if (best === undefined || able.every(({ pValue }) => pValue > FALSE_CLAIMS / others.length)) return reference.name;
  const favourite = able.find(({ model }) => model === others[0]) ?? best;
  return compare(best.model, favourite.model).pValue <= FALSE_CLAIMS / others.length
    ? best.model.name
    : favourite.model.name;
}

/** By how much and how surely a model was better than another where both were tried. */
function compare(model: ModelLosses, other: ModelLosses): { trials: number; mean: number; pValue: number } {
  const gains = model.losses.flatMap((loss, k) => {
    const theirs = other.losses[k] ?? null;
    return loss === null || theirs === null || theirs === 0 ? [] : [skill(loss, theirs)];
  });
  return { trials: gains.length, ...dieboldMariano(gains) };
}
