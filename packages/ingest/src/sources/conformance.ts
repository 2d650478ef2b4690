/** What every price source keeps to. Called by each source's own test file. */
import { sessionOf } from '@tapecast/calendar/sessions';
import { NATIVE_RESOLUTIONS, RESOLUTION_SECONDS } from '@tapecast/contracts/resolution';
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { validateBars, validateQuotes } from '../validate.ts';
import type { PriceSource } from './source.ts';

export interface SourceUnderTest {
  source: PriceSource;
  /** Two tickers that the source knows. */
  tickers: readonly [Ticker, Ticker];
  /** The source's clock, Unix seconds. */
  now(): number;
  close(): Promise<void>;
}

const DAY = 86_400;

export function conformsToPriceSource(name: string, start: () => Promise<SourceUnderTest>): void {
  describe(`${name} as a price source`, () => {
    let subject: SourceUnderTest;
    const never = new AbortController().signal;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject.close());

    const pagesOf = (query: Parameters<PriceSource['bars']>[0]) => collect(subject.source.bars(query, never));

    it('quotes each ticker that was asked for once, with prices that can be kept', async () => {
      const { quotes, rejected } = await subject.source.quotes(subject.tickers, never);
      expect(quotes.map(({ instrument }) => instrument.ticker)).toEqual(subject.tickers);
      expect(rejected).toEqual([]);
      expect(validateQuotes(quotes, subject.now(), new Map()).rejected).toEqual([]);
    });

    it('answers an empty list with nothing', async () => {
      expect(await subject.source.quotes([], never)).toEqual({ quotes: [], rejected: [] });
    });

    it('describes its instruments so that a session follows', async () => {
      const { quotes } = await subject.source.quotes(subject.tickers, never);
      for (const { instrument } of quotes) {
        expect(instrument).toMatchObject({ name: expect.any(String), currency: expect.any(String) });
        expect(() => sessionOf(instrument)).not.toThrow();
      }
    });

    for (const resolution of NATIVE_RESOLUTIONS) {
      it(`gives ${resolution} bars that rise in time, lie in the range and can be kept`, async () => {
        const to = Math.floor(subject.now() / DAY) * DAY;
        const span = resolution === '1m' ? DAY : 40 * DAY;
        const [ticker] = subject.tickers;
        const query = { ticker, resolution, from: unixSeconds(to - span), to: unixSeconds(to) };
        const pages = await pagesOf({ ...query, order: 'oldest-first' });
        const bars = pages.flatMap((page) => page.bars);
        expect(bars.length).toBeGreaterThan(span / RESOLUTION_SECONDS[resolution] / 10);
        expect(bars.map(({ time }) => time)).toEqual([...new Set(bars.map(({ time }) => time))].sort((a, b) => a - b));
        expect(bars.every(({ time }) => time >= to - span && time < to)).toBe(true);
        expect(validateBars(ticker, resolution, bars, subject.now()).rejected).toEqual([]);
        expect(pages.every(({ instrument }) => instrument.ticker === ticker)).toBe(true);
      });
    }

    it('gives the same bars newest page first', async () => {
      const [ticker] = subject.tickers;
      const to = unixSeconds(Math.floor(subject.now() / DAY) * DAY);
      const query = { ticker, resolution: '1m' as const, from: unixSeconds(to - 15 * DAY), to };
      const rising = await pagesOf({ ...query, order: 'oldest-first' });
      const falling = await pagesOf({ ...query, order: 'newest-first' });
      expect(rising.length).toBeGreaterThan(1);
      expect(falling.at(0)?.bars.at(-1)?.time).toBe(rising.at(-1)?.bars.at(-1)?.time);
      const sorted = falling.flatMap(({ bars }) => bars).sort((a, b) => a.time - b.time);
      expect(sorted).toEqual(rising.flatMap(({ bars }) => bars));
    });

    it('never gives a bar that begins in the future', async () => {
      const [ticker] = subject.tickers;
      const now = subject.now();
      const range = { from: unixSeconds(now - 3_600), to: unixSeconds(now + DAY) };
      const pages = await pagesOf({ ticker, resolution: '1m', ...range, order: 'oldest-first' });
      expect(pages.flatMap(({ bars }) => bars).every(({ time }) => time <= subject.now())).toBe(true);
    });

    it('stops when it is told to', async () => {
      const reason = new Error('stop');
      const stopped = AbortSignal.abort(reason);
      const [ticker] = subject.tickers;
      const range = { from: unixSeconds(subject.now() - DAY), to: unixSeconds(subject.now()) };
      await expect(subject.source.quotes(subject.tickers, stopped)).rejects.toBe(reason);
      await expect(async () => {
        for await (const page of subject.source.bars(
          { ticker, resolution: '1m', ...range, order: 'newest-first' },
          stopped,
        ))
          expect(page).toBeUndefined();
      }).rejects.toBe(reason);
    });
  });
}

export const ticker = (text: string): Ticker => Ticker.parse(text);

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
