/** Numbers as they are read on a price screen: fixed decimals, real minus signs, no sign on a rounded zero. */

const MINUS = '\u2212';
const FIGURE_SPACE = '\u2007';
const PUNCTUATION_SPACE = '\u2008';
const NARROW_SPACE = '\u202f';

export type Direction = 'up' | 'down' | 'flat';

export const ARROWS: Record<Direction, string> = { up: '▲', down: '▼', flat: '' };

/** Making a formatter costs far more than using one. */
const formatters = new Map<number, Intl.NumberFormat>();

function fixed(value: number, decimals: number): string {
  let formatter = formatters.get(decimals);
  if (formatter === undefined) {
    formatter = new Intl.NumberFormat('en-US', {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
      signDisplay: 'never',
    });
    formatters.set(decimals, formatter);
  }
  return formatter.format(value);
}

/** Sign of the value as it is shown: what rounds to zero has none. */
export function direction(value: number, decimals: number): Direction {
  if (Math.abs(value) < 0.5 * 10 ** -decimals) return 'flat';
  return value > 0 ? 'up' : 'down';
}

export function formatPrice(value: number, decimals: number): string {
  return (direction(value, decimals) === 'down' ? MINUS : '') + fixed(value, decimals);
}

/** With a plus or minus in front. */
export function formatChange(value: number, decimals: number): string {
  return { up: '+', down: MINUS, flat: '' }[direction(value, decimals)] + fixed(value, decimals);
}

export function formatPercent(value: number): string {
  return `${formatChange(value, 2)}${NARROW_SPACE}%`;
}

/** `12.3 M`; whole below 10,000. */
export function formatVolume(value: number): string {
  for (const [size, unit] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e4, 'K'],
  ] as const) {
    if (value >= size) return `${fixed(value / (unit === 'K' ? 1e3 : size), 2)}${NARROW_SPACE}${unit}`;
  }
  return fixed(value, Number.isInteger(value) ? 0 : 2);
}

/** Pads behind the decimals, so that prices of different precision align on the point when set flush right. */
export function padDecimals(text: string, decimals: number, widest: number): string {
  if (decimals >= widest) return text;
  return text + (decimals === 0 ? PUNCTUATION_SPACE : '') + FIGURE_SPACE.repeat(widest - decimals);
}
