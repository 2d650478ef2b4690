/** A scorecard in plain words. Nothing is called better unless the server was sure of it. */
import type { Comparison, Scorecard, ScoreRow } from '@tapecast/contracts/scores';

/** Forecasts below which live scores do not yet replace a backtest. */
const ENOUGH_LIVE = 30;

const NARROW_SPACE = '\u202f';

export function percent(share: number, decimals = 1): string {
  const text = (100 * Math.abs(share)).toFixed(decimals);
  const sign = share < 0 && Number(text) !== 0 ? '\u2212' : '';
  return `${sign}${text}${NARROW_SPACE}%`;
}

/** The card that is told: live scores once there are some; a backtest while those are few. */
export function chooseCard(live: Scorecard, backtest: Scorecard | null): Scorecard {
  const enough = (live.shown?.overall.n ?? 0) >= ENOUGH_LIVE;
  return enough || backtest === null || backtest.shown === null ? live : backtest;
}

/** `Over 312 such forecasts the 90 % band held 89.4 %.` */
export function coverageSentence({ n, coverage }: ScoreRow): string {
  const held = coverage['90'];
  const forecasts = n === 1 ? 'Over one such forecast' : `Over ${n} such forecasts`;
  if (held === null) return `${forecasts} were scored.`;
  return `${forecasts} the 90${NARROW_SPACE}% band held ${percent(held)}.`;
}

export function middleSentence({ middle }: ScoreRow): string {
  if (middle.verdict === 'reference' || middle.skill === 0) return 'The middle was the last price itself.';
  return `The middle was ${comparisonWords(middle)}.`;
}

/** Whole fan: middle and bands together. */
export function fanSentence(row: ScoreRow): string {
  if (row.verdict === 'reference' || row.skill === 0) return 'The bands were those of the last-price forecast.';
  return `Middle and bands together were ${comparisonWords(row)}.`;
}

function comparisonWords({ verdict, skill }: Comparison): string {
  if (verdict === 'better') return `${percent(skill ?? 0)} closer than the last price`;
  if (verdict === 'worse') return `${percent(Math.abs(skill ?? 0))} farther off than the last price`;
  if (verdict === 'same') return 'no better than the last price';
  return 'no better than the last price as far as so few forecasts can tell';
}

/** Verdict for a table cell. */
export function verdictWord({ verdict }: Comparison): string {
  return {
    better: 'better',
    worse: 'worse',
    same: 'no different',
    'too-few': 'too few to say',
    reference: 'the measure',
  }[verdict];
}

/** What a fan said of closes that are known by now. */
export function outcomeSentence(closes: readonly { close: number; low90: number; high90: number }[]): string {
  const inside = closes.filter(({ close, low90, high90 }) => close >= low90 && close <= high90).length;
  if (closes.length === 0) return 'None of its targets has closed yet.';
  if (inside === closes.length) {
    return closes.length === 1
      ? 'The close lay within the 90\u202f% band.'
      : `All ${inside} closes lay within the 90\u202f% band.`;
  }
  return `${inside} of ${closes.length} closes lay within the 90\u202f% band.`;
}
