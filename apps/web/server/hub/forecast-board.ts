/** The newest forecast of each series that anyone asked for: read once, anew when the database says so. */
import type { Forecast } from '@tapecast/contracts/forecast';
import { ForecastResolution, type Resolution } from '@tapecast/contracts/resolution';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Database } from '@tapecast/db/database';
import { readForecast } from '@tapecast/db/forecasts';

export class ForecastBoard {
  readonly #db: Database;
  readonly #known = new Map<string, Promise<Forecast | null>>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Null for resolutions that are not forecast. */
  async newest(ticker: Ticker, resolution: Resolution): Promise<Forecast | null> {
    const forecast = ForecastResolution.safeParse(resolution);
    if (!forecast.success) return null;
    const key = `${ticker} ${resolution}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const read = readForecast(this.#db, { ticker, resolution: forecast.data });
    this.#known.set(key, read);
    // A failed read is not remembered; one that was forgotten meanwhile must not take its successor along.
    read.catch(() => {
      if (this.#known.get(key) === read) this.#known.delete(key);
    });
    return read;
  }

  forget(ticker: Ticker, resolution: Resolution): void {
    this.#known.delete(`${ticker} ${resolution}`);
  }

  forgetAll(): void {
    this.#known.clear();
  }
}
