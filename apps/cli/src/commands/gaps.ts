/** `tapecast gaps`: bars of the exchanges' sessions that are not there. */
import { seriesGaps } from '@tapecast/ingest/backfill';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { openHistory, type HistoryOptions } from '../history.ts';
import { count, table } from '../terminal.ts';

export async function showGaps(
  names: readonly string[],
  options: HistoryOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, signal, env } = context;
  return withDatabase(context, async (db) => {
    const { fill, series, scan } = await openHistory(db, env, names, options);
    const found = [];
    for (const name of series) {
      signal.throwIfAborted();
      const gaps = await seriesGaps(fill, name, scan);
      found.push({ ...name, ...(gaps === null ? null : summary(gaps)) });
    }
    const missing = found.reduce((sum, each) => sum + (each.missing ?? 0), 0);
    const unknown = found.filter((each) => each.missing === undefined).length;
    terminal.result(
      { source: fill.source.name, missing, series: found },
      [table(found.map(toRow)), adviceFor(missing, unknown)].join('\n'),
    );
    return missing + unknown === 0 ? EXIT.ok : EXIT.findings;
  });
}

type Found = NonNullable<Awaited<ReturnType<typeof seriesGaps>>>;

function summary({ range, gaps, confirmedEmpty }: Found) {
  return {
    from: timeText(range.from),
    to: timeText(range.to),
    missing: gaps.reduce((sum, { bars }) => sum + bars, 0),
    confirmedEmpty,
    gaps: gaps.map(({ from, to, bars }) => ({ from: timeText(from), to: timeText(to), bars })),
  };
}

function toRow(found: { ticker: string; resolution: string } & Partial<ReturnType<typeof summary>>) {
  const { ticker, resolution, gaps, missing, confirmedEmpty } = found;
  const newest = gaps?.at(-1);
  return {
    ticker,
    resolution,
    missing: missing ?? null,
    gaps: gaps?.length ?? null,
    'newest gap': newest === undefined ? (gaps === undefined ? 'never fetched' : '') : `${newest.from} – ${newest.to}`,
    'not at the vendor': confirmedEmpty ?? null,
  };
}

function adviceFor(missing: number, unknown: number): string {
  if (missing + unknown === 0) return 'Nothing is missing.';
  const parts = [
    ...(missing > 0 ? [`${count(missing)} bars are missing.`] : []),
    ...(unknown > 0 ? [`${count(unknown)} series were never fetched.`] : []),
  ];
  return `${parts.join(' ')} tapecast backfill asks the vendor for them.`;
}

function timeText(time: number): string {
  return new Date(time * 1_000).toISOString().replace('.000Z', 'Z');
}
