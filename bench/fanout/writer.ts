/** Updates at a steady pace: each statement changes the current bar of a few tickers, so each is a commit of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BAR_TIME, monotonicMs } from './messages.ts';

export class Writer {
  readonly #client: pg.Client;
  #sequence = 0;

  constructor(url: string) {
    this.#client = new pg.Client({ connectionString: url, application_name: 'bench writer' });
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** @returns the close that was written */
  async update(tickers: readonly string[]): Promise<number> {
    this.#sequence += 1;
    await this.#client.query({
      name: 'update',
      text: `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
        SELECT to_timestamp($1), ticker, 1, 1000000, 1, $3, $4, 'bench' FROM unnest($2::text[]) ticker
        ON CONFLICT (ticker, time) DO UPDATE SET close = excluded.close, volume = excluded.volume`,
      values: [BAR_TIME, tickers, this.#sequence, monotonicMs()],
    });
    return this.#sequence;
  }

  /** Changes so many bars of one ticker with each statement; NOTIFY cannot carry them, and a frame of them is large. */
  async runWide(ticker: string, bars: number, perSecond: number, seconds: number): Promise<void> {
    const end = monotonicMs() + seconds * 1_000;
    while (monotonicMs() < end) {
      this.#sequence += 1;
      await this.#client.query({
        name: 'wide',
        text: `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
          SELECT to_timestamp($1::bigint - 60 * n), $2, 1, 1000000, 1, $3, NULL, 'bench' FROM generate_series(1, $4) n
          ON CONFLICT (ticker, time) DO UPDATE SET close = excluded.close`,
        values: [BAR_TIME, ticker, this.#sequence, bars],
      });
      await sleep(1_000 / perSecond);
    }
  }

  /** One statement that changes so many minutes of each ticker, the newest of them `until` minutes ago. */
  async updateMinutes(tickers: readonly string[], minutes: number, until: number): Promise<void> {
    await this.#client.query({
      name: 'minutes',
      text: `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
        SELECT to_timestamp($1::bigint - 60 * n), ticker, 1, 1000000, 1, 2, 3, 'bench'
        FROM unnest($2::text[]) ticker, generate_series($3::int, $3 + $4::int - 1) n`,
      values: [BAR_TIME, tickers, until, minutes],
    });
  }

  /** Every ticker `perSecond` times a second, the groups spread evenly over time; returns how many it fell behind. */
  async run(groups: readonly (readonly string[])[], perSecond: number, seconds: number): Promise<number> {
    const pauseMs = 1_000 / (perSecond * groups.length);
    const start = monotonicMs();
    const total = Math.round((seconds * 1_000) / pauseMs);
    for (let index = 0; index < total; index += 1) {
      const wait = start + index * pauseMs - monotonicMs();
      if (wait > 1) await sleep(wait);
      await this.update(groups[index % groups.length] ?? []);
    }
    return monotonicMs() - start - seconds * 1_000;
  }

  async rows(): Promise<[ticker: string, revision: number, close: number][]> {
    const { rows } = await this.#client.query<{ ticker: string; revision: string; close: number }>(
      `SELECT s.ticker, s.revision, p.close FROM series s JOIN stock_prices_1m p USING (ticker)
       WHERE s.resolution = '1m' AND p.time = to_timestamp($1)`,
      [BAR_TIME],
    );
    return rows.map(({ ticker, revision, close }) => [ticker, Number(revision), close]);
  }
}
