/**
 * Whether a difference between two forecasters is more than luck: the Diebold–Mariano test. Forecasts of several bars
 * ahead overlap, so their differences resemble their neighbours. The usual Newey–West variance then claims too much with few
 * forecasts; this is the equal-weighted cosine estimator with Student's t (Lazarus, Lewis, Stock & Watson 2018), which
 * keeps its promised share of false claims.
 */

/** @param p of the two-sided test */
export interface DieboldMariano {
  mean: number;
  p: number;
}

/** Cosines that an estimate is made of grow with n to this power, times the factor. */
const COSINES_POWER = 2 / 3;
const COSINES_FACTOR = 0.4;

/**
 * @param differences loss of the one minus loss of the other, in order of time
 * @param overlap forecasts that share a part of their horizon with any one of them, itself included; 1 for none
 * @returns null when they are too few to estimate how much luck alone would move the mean
 */
export function dieboldMariano(differences: readonly number[], overlap: number): DieboldMariano | null {
  const n = differences.length;
  const cosines = Math.floor(Math.min(COSINES_FACTOR * n ** COSINES_POWER, n / (2 * Math.max(1, overlap))));
  if (cosines < 1) return null;
  const mean = differences.reduce((a, b) => a + b, 0) / n;
  let variance = 0;
  for (let j = 1; j <= cosines; j++) {
    let weight = 0;
    differences.forEach((difference, t) => {
      weight += Math.cos((Math.PI * j * (t + 0.5)) / n) * (difference - mean);
    });
    variance += (2 * weight ** 2) / n / cosines;
  }
  // Differences that are all the same say nothing about luck, unless they are nothing themselves.
  if (variance <= (1e-12 * mean) ** 2) return mean === 0 ? { mean, p: 1 } : null;
  return { mean, p: studentTwoSided((mean * Math.sqrt(n)) / Math.sqrt(variance), cosines) };
}

/** Which of several p-values stand when all are looked at (Holm): at most the share `level` of families has a false one. */
export function holm(pValues: readonly (number | null)[], level: number): boolean[] {
  const rising = pValues.flatMap((p, index) => (p === null ? [] : [{ p, index }])).sort((a, b) => a.p - b.p);
  const stands = pValues.map(() => false);
  for (const [rank, { p, index }] of rising.entries()) {
    if (p >= level / (rising.length - rank)) break;
    stands[index] = true;
  }
  return stands;
}

/** Probability that Student's t with `freedom` degrees of freedom lies at least as far from 0 as `t`. */
export function studentTwoSided(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** Regularised incomplete beta function, by its continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges quickly on one side only; the other is its mirror image.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const nonZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let numerator = 1;
  let denominator = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = denominator;
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      denominator = 1 / nonZero(1 + term * denominator);
      numerator = nonZero(1 + term / numerator);
      change = denominator * numerator;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-14) break;
  }
  return fraction;
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Logarithm of the gamma function for x ≥ 0.5, by Lanczos' approximation. */
function logGamma(x: number): number {
  const sum = LANCZOS.reduce((total, factor, k) => total + factor / (x + k), 0.99999999999980993);
  const base = x + LANCZOS.length - 1.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}
