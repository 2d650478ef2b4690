import { MixedSourcesError, refuseMixing } from '@tapecast/ingest/sources/open-source';
import { describe, expect, it } from 'vitest';
import { loadSettings } from './settings.ts';

const DATABASE_URL = 'postgres://localhost/tapecast';

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(loadSettings({ DATABASE_URL })).toMatchObject({
      PRICE_SOURCE: 'auto',
      TICKERS: ['MSFT', 'TSLA', 'CVX', 'XOM'],
    });
  });

  it('read tickers, dates and origins', () => {
    const settings = loadSettings({
      DATABASE_URL,
      TICKERS: ' aapl, BTC-USD,',
      BACKFILL_FROM: '2010-01-01',
      YAHOO_ORIGIN: 'http://127.0.0.1:4010/ignored',
    });
    expect(settings).toMatchObject({
      TICKERS: ['AAPL', 'BTC-USD'],
      BACKFILL_FROM: 1_262_304_000,
      YAHOO_ORIGIN: 'http://127.0.0.1:4010',
    });
  });

  it('name every mistake at once', () => {
    const wrong = { PRICE_SOURCE: 'replay', TICKERS: 'no such', BACKFILL_FROM: '2010-31-02', YAHOO_ORIGIN: 'ftp://x' };
    const load = () => loadSettings({ DATABASE_URL, ...wrong });
    for (const name of Object.keys(wrong)) expect(load).toThrow(new RegExp(name));
  });

  it('never let simulated and real prices into one database', () => {
    expect(() => refuseMixing('yahoo', 'simulated')).toThrow(MixedSourcesError);
    expect(() => refuseMixing('simulated', 'yahoo')).toThrow(MixedSourcesError);
    expect(() => refuseMixing('yahoo', 'yahoo')).not.toThrow();
    expect(() => refuseMixing(undefined, 'simulated')).not.toThrow();
  });
});
