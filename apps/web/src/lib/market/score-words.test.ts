import type { Comparison, Scorecard, ScoreRow } from '@tapecast/contracts/scores';
import { describe, expect, it } from 'vitest';
import { chooseCard, coverageSentence, middleSentence, outcomeSentence, percent } from './score-words.ts';

const comparison = (verdict: Comparison['verdict'], skill: number | null = 0.031): Comparison => ({
  verdict,
  skill,
  pValue: 0.01,
});

function row(n: number, middle: Comparison = comparison('same')): ScoreRow {
  const coverage = { '50': 0.5, '80': 0.8, '90': 0.894, '95': 0.95 };
  const losses = { meanAbsoluteError: 1, mase: 1, pinballLoss: 1, naivePinballLoss: 1 };
  return { n, points: 10 * n, ...losses, coverage, ...middle, middle };
}

function card(kind: Scorecard['kind'], n: number | null): Scorecard {
  const shown = n === null ? null : { model: 'shown', overall: row(n), horizons: [] };
  const ticker = 'MSFT' as Scorecard['ticker'];
  return { ticker, resolution: '1d', kind, simulated: false, from: null, to: null, shown, models: [] };
}

describe('words', () => {
  it('tell how often the band held', () => {
    expect(coverageSentence(row(312))).toBe('Over 312 such forecasts the 90\u202f% band held 89.4\u202f%.');
    expect(coverageSentence(row(1))).toBe('Over one such forecast the 90\u202f% band held 89.4\u202f%.');
  });

  it.each([
    [comparison('better'), 'The middle was 3.1\u202f% closer than the last price.'],
    [comparison('worse', -0.02), 'The middle was 2.0\u202f% farther off than the last price.'],
    [comparison('same'), 'The middle was no better than the last price.'],
    [comparison('same', 0), 'The middle was the last price itself.'],
    [comparison('too-few', 0.9), 'The middle was no better than the last price as far as so few forecasts can tell.'],
  ])('claim nothing that is not sure: %o', (middle, words) => {
    expect(middleSentence(row(40, middle))).toBe(words);
  });

  it('tell an outcome', () => {
    const within = { close: 2, low90: 1, high90: 3 };
    expect(outcomeSentence([])).toContain('None');
    expect(outcomeSentence([within, { ...within, close: 4 }])).toBe('1 of 2 closes lay within the 90\u202f% band.');
    expect(outcomeSentence([within, within])).toBe('All 2 closes lay within the 90\u202f% band.');
  });

  it('write a real minus sign, and none before a rounded zero', () => {
    expect(percent(-0.012)).toBe('\u22121.2\u202f%');
    expect(percent(-0.0001)).toBe('0.0\u202f%');
  });
});

describe('chooseCard', () => {
  it('a backtest stands in until there are live scores enough, and only if there is one', () => {
    expect(chooseCard(card('live', 3), card('backtest', 60)).kind).toBe('backtest');
    expect(chooseCard(card('live', 30), card('backtest', 60)).kind).toBe('live');
    expect(chooseCard(card('live', 3), card('backtest', null)).kind).toBe('live');
    expect(chooseCard(card('live', null), null).kind).toBe('live');
  });
});
