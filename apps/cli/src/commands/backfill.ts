/** `tapecast backfill`: fetches what is missing, within the request budget that the ingestors keep too. */
import { backfillSeries, NOTHING_FETCHED, type BackfillResult, type SeriesName } from '@tapecast/ingest/backfill';
import { whileHolding } from '@tapecast/ingest/held-lease';
import { isRetryable, VendorError } from '@tapecast/ingest/sources/errors';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, UnavailableError, type ExitCode } from '../exit-codes.ts';
import { openHistory, type HistoryOptions, type HistoryWork } from '../history.ts';
import { count, duration, progressLine, table } from '../terminal.ts';

interface SeriesOutcome extends SeriesName, BackfillResult {
  error?: string;
}

/** Failures in a row after which the vendor is taken to be away. */
const PATIENCE = 3;

export async function backfill(
  names: readonly string[],
  options: HistoryOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, signal, env } = context;
  return withDatabase(context, async (db, { place }) => {
    const work = await openHistory(db, env, names, options);
    const { source, clock } = work.fill;
    const title = `Fetching what ${place} lacks from ${source.name}`;
    const began = performance.now();
    const outcomes = await whileHolding({ db, name: 'backfill', clock }, signal, (held) =>
      terminal.during(title, (show) => fetchAll(work, held, show)),
    );
    const changed = outcomes.reduce((sum, outcome) => sum + outcome.changed, 0);
    const failed = outcomes.filter(({ error }) => error !== undefined);
    const seconds = (performance.now() - began) / 1_000;
    terminal.result({ source: source.name, changed, failed: failed.length, series: outcomes, seconds }, describe());
    return failed.length === 0 ? EXIT.ok : EXIT.findings;

    function describe(): string {
      const asked = outcomes.filter((outcome) => outcome.bars + outcome.empty + outcome.rejected > 0);
      const rows = asked.map(({ ticker, resolution, bars, changed: news, empty }) => ({
        ticker,
        resolution,
        bars,
        'new or changed': news,
        'not at the vendor': empty,
      }));
      const lines = failed.map(({ ticker, resolution, error }) => `${ticker} ${resolution}: ${error}`);
      const said = asked.length === 0 && failed.length === 0 ? 'Nothing was missing' : `${count(changed)} bars are new`;
      return [...(rows.length === 0 ? [] : [table(rows)]), ...lines, `${said} (${duration(seconds)}).`].join('\n');
    }
  });
}

async function fetchAll(
  { fill, series, scan }: HistoryWork,
  signal: AbortSignal,
  show: (line: string) => void,
): Promise<SeriesOutcome[]> {
  const began = performance.now();
  const outcomes: SeriesOutcome[] = [];
  let rows = 0;
  let failures = 0;
  for (const [place, name] of series.entries()) {
    const report = (bars: number) => {
      const share = (place + 0.5) / series.length;
      const seconds = (performance.now() - began) / 1_000;
      show(`${name.ticker} ${name.resolution}: ${progressLine({ rows: rows + bars, share, seconds })}`);
    };
    report(0);
    try {
      const result = await backfillSeries(fill, name, scan, signal, ({ bars }) => report(bars));
      outcomes.push({ ...name, ...(result ?? NOTHING_FETCHED) });
      rows += result?.bars ?? 0;
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VendorError)) throw error;
      outcomes.push({ ...name, ...NOTHING_FETCHED, error: error.message });
      failures = isRetryable(error) ? failures + 1 : 0;
      if (failures < PATIENCE) continue;
      throw new UnavailableError(
        `${error.message}\nWhat was fetched is stored; tapecast backfill goes on with the rest when it is run again.`,
        { cause: error },
      );
    }
  }
  return outcomes;
}
