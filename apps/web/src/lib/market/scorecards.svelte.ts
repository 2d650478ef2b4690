/** The scorecards of one series: live scores, and the backtest that stands in while those are few. */
import type { ForecastResolution } from '@tapecast/contracts/resolution';
import type { Scorecard, ScoreKind } from '@tapecast/contracts/scores';
import { getScores, type Fetch } from './rest.ts';
import { chooseCard } from './score-words.ts';

const RENEW_MS = 60_000;
const RETRY_MS = 5_000;

export class Scorecards {
  live = $state.raw<Scorecard | null>(null);
  backtest = $state.raw<Scorecard | null>(null);
  failed = $state(false);

  get told(): Scorecard | null {
    return this.live === null ? null : chooseCard(this.live, this.backtest);
  }

  of(kind: ScoreKind): Scorecard | null {
    return kind === 'live' ? this.live : this.backtest;
  }

  /** Reads now and every minute. @returns ends the reading */
  follow(ticker: string, resolution: ForecastResolution, fetcher: Fetch): () => void {
    [this.live, this.backtest, this.failed] = [null, null, false];
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        const [live, backtest] = await Promise.all(
          (['live', 'backtest'] as const).map((kind) => getScores(fetcher, ticker, { resolution, kind })),
        );
        if (ended) return;
        this.backtest = backtest ?? null;
        this.live = live ?? null;
        this.failed = false;
      } catch {
        if (!ended) this.failed = true;
      }
      if (!ended) timer = setTimeout(() => void read(), this.failed ? RETRY_MS : RENEW_MS);
    };
    void read();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }
}
