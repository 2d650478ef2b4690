import { describe, expect, it } from 'vitest';
import { direction, formatChange, formatPercent, formatPrice, formatVolume, padDecimals } from './numbers.ts';

describe('prices', () => {
  it('have the precision of the instrument', () => {
    expect(formatPrice(1234.5, 2)).toBe('1,234.50');
    expect(formatPrice(1.08345, 4)).toBe('1.0835');
    expect(formatPrice(38_915, 0)).toBe('38,915');
  });

  it('have a real minus sign', () => {
    expect(formatPrice(-37.63, 2)).toBe('\u221237.63');
    expect(formatChange(-0.4, 2)).toBe('\u22120.40');
    expect(formatChange(0.4, 2)).toBe('+0.40');
  });

  it('have no sign where they round to zero', () => {
    expect(formatChange(-0.004, 2)).toBe('0.00');
    expect(direction(-0.004, 2)).toBe('flat');
    expect(direction(-0.005, 2)).toBe('down');
  });
});

describe('percent and volume', () => {
  it('are short', () => {
    expect(formatPercent(-1.256)).toBe('\u22121.26\u202f%');
    expect(formatVolume(950)).toBe('950');
    expect(formatVolume(12_345)).toBe('12.35\u202fK');
    expect(formatVolume(48_200_000)).toBe('48.20\u202fM');
    expect(formatVolume(0.25)).toBe('0.25');
  });
});

describe('padDecimals', () => {
  it('gives prices of different precision the same number of places after the point', () => {
    expect(padDecimals('412.10', 2, 4)).toBe('412.10\u2007\u2007');
    expect(padDecimals('38,915', 0, 2)).toBe('38,915\u2008\u2007\u2007');
    expect(padDecimals('1.0835', 4, 4)).toBe('1.0835');
  });
});
