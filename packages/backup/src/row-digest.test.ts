import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RowDigest } from './row-digest.ts';

/** Rows as the server sends them, cut anywhere. */
function digestOf(rows: readonly string[], chunk = 1 << 20): string {
  const digest = new RowDigest();
  const bytes = Buffer.from(rows.map((row) => `${row}\n`).join(''));
  for (let at = 0; at < bytes.length; at += chunk) digest.update(bytes.subarray(at, at + chunk));
  expect(digest.rows).toBe(rows.length);
  return digest.hex();
}
const row = fc.string().map((text) => text.replaceAll('\n', '\\n'));

it('does not depend on the order of rows, nor on where chunks are cut', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 40 }), (rows, chunk) => {
      expect(digestOf(rows.toReversed(), chunk)).toBe(digestOf(rows));
    }),
  );
});

it('tells a changed, a lost and a doubled row', () => {
  const rows = ['1\tMSFT\t100.5', '2\tMSFT\t101', ''];
  const whole = digestOf(rows);
  expect(digestOf(['1\tMSFT\t100.5', '2\tMSFT\t102', ''])).not.toBe(whole);
  expect(digestOf(rows.slice(1))).not.toBe(whole);
  expect(digestOf([...rows, ''])).not.toBe(whole);
  expect(digestOf(['1\tMSFT\t100.5\t2', 'MSFT\t101', ''])).not.toBe(whole);
});

it('refuses a row that is cut off', () => {
  const digest = new RowDigest();
  digest.update(Buffer.from('1\t2\n3'));
  expect(() => digest.hex()).toThrow(/cut off/);
});
