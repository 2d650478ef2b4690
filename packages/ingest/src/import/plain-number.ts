/** Decimal numbers out of bytes, exactly as Number() reads them. */

const ZERO = 0x30;
const NINE = 0x39;
/** As many digits are a whole number that a double holds, and so is the power of ten: their quotient is rounded once, and right. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const LONGEST = 40;

/**
 * Digits, with or without a point and digits behind it.
 *
 * @param comma byte of the decimal separator that may stand for the point
 * @returns NaN for everything else, also for numbers written in other ways
 */
export function decimal(bytes: Buffer, from: number, to: number, comma: number): number {
  let mantissa = 0;
  let point = -1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= ZERO && byte <= NINE) mantissa = mantissa * 10 + (byte - ZERO);
    else if ((byte === 0x2e || byte === comma) && point < 0 && at > from) point = at;
    else return Number.NaN;
  }
  const digits = to - from - (point < 0 ? 0 : 1);
  if (digits <= 0) return Number.NaN;
  if (digits <= EXACT_DIGITS) return point < 0 ? mantissa : mantissa / (POWERS[to - point - 1] ?? 1);
  return digits > LONGEST ? Number.NaN : Number(bytes.toString('latin1', from, to).replace(',', '.'));
}
