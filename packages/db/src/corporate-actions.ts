/** Splits and dividends as a source tells them, and what each of them makes due in the stored history. */
import { type CorporateAction } from '@tapecast/contracts/actions';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

/**
 * Notes what a source says. An action that is news makes the stored bars before it due to be restated: of a split all
 * resolutions, of a dividend the adjusted closes of 1d. Where nothing is stored from before, nothing is due.
 *
 * @returns how many were news, how much of the stored history is due now, and how much of that because of a split
 * @throws {DatabaseUnavailableError}
 */
export async function recordActions(
  db: Database,
  ticker: string,
  actions: readonly CorporateAction[],
  source: string,
): Promise<{ news: number; due: number; splitDue: number }> {
  if (actions.length === 0) return { news: 0, due: 0, splitDue: 0 };
  const told = [...new Map(actions.map((action) => [`${action.kind} ${action.exDate}`, action])).values()];
  const split = told.map((action) => (action.kind === 'split' ? action : null));
  const { rows } = await answering(() =>
    sql<{ news: number; due: number; splitDue: number }>`
      WITH news AS (
        INSERT INTO corporate_actions AS a (ticker, kind, ex_date, numerator, denominator, amount, source)
        SELECT ${ticker}, kind, (to_timestamp(ex) AT TIME ZONE 'UTC')::date, numerator, denominator, amount, ${source}
        FROM unnest(${told.map(({ kind }) => kind)}::text[], ${told.map(({ exDate }) => exDate)}::bigint[],
          ${split.map((each) => each?.numerator ?? null)}::float8[], ${split.map((each) => each?.denominator ?? null)}::float8[],
          ${told.map((action) => (action.kind === 'dividend' ? action.amount : null))}::float8[])
          AS told (kind, ex, numerator, denominator, amount)
        ORDER BY kind, ex
        ON CONFLICT (ticker, kind, ex_date) DO UPDATE SET numerator = excluded.numerator,
          denominator = excluded.denominator, amount = excluded.amount, source = excluded.source, changed_at = now()
        WHERE (a.numerator, a.denominator, a.amount) IS DISTINCT FROM (excluded.numerator, excluded.denominator, excluded.amount)
        RETURNING kind, ex_date
      ), due AS (
        INSERT INTO restatements (ticker, kind, ex_date, resolution)
        SELECT ${ticker}, n.kind, n.ex_date, r.resolution
        FROM news n CROSS JOIN (VALUES ('1d'), ('1h'), ('1m')) AS r (resolution)
        CROSS JOIN (SELECT timezone FROM stock_tickers WHERE ticker = ${ticker}) t
        WHERE CASE r.resolution
          WHEN '1d' THEN EXISTS (SELECT FROM stock_prices_1d p WHERE p.ticker = ${ticker} AND p.time < n.ex_date::timestamp AT TIME ZONE 'UTC')
          WHEN '1h' THEN n.kind = 'split' AND EXISTS (SELECT FROM stock_prices_1h p WHERE p.ticker = ${ticker} AND p.time < n.ex_date::timestamp AT TIME ZONE t.timezone)
          ELSE n.kind = 'split' AND EXISTS (SELECT FROM stock_prices_1m p WHERE p.ticker = ${ticker} AND p.time < n.ex_date::timestamp AT TIME ZONE t.timezone)
        END
        ON CONFLICT (ticker, kind, ex_date, resolution) DO UPDATE SET due_at = now(), fetched_at = NULL
        RETURNING kind
      )
      SELECT (SELECT count(*) FROM news) AS news, (SELECT count(*) FROM due) AS due,
        (SELECT count(*) FROM due WHERE kind = 'split') AS "splitDue"`.execute(db.kysely),
  );
  return rows[0] ?? { news: 0, due: 0, splitDue: 0 };
}

/** Actions with an ex-date in [from, to], rising; null for an unknown ticker. */
export async function listActions(
  db: Database,
  query: { ticker: string; from?: UnixSeconds | undefined; to?: UnixSeconds | undefined },
): Promise<CorporateAction[] | null> {
  const from = query.from ?? null;
  const to = query.to ?? null;
  const { rows } = await answering(() =>
    sql<{ actions: CorporateAction[] }>`
      SELECT coalesce((
        SELECT json_agg(CASE kind
          WHEN 'split' THEN json_build_object('kind', kind, 'exDate', ex, 'numerator', numerator, 'denominator', denominator)
          ELSE json_build_object('kind', kind, 'exDate', ex, 'amount', amount) END ORDER BY ex, kind)
        FROM (SELECT *, extract(epoch FROM ex_date::timestamp AT TIME ZONE 'UTC')::bigint AS ex FROM corporate_actions) a
        WHERE a.ticker = t.ticker AND (${from}::bigint IS NULL OR ex >= ${from}) AND (${to}::bigint IS NULL OR ex <= ${to})
      ), '[]'::json) AS actions
      FROM stock_tickers t WHERE t.ticker = ${query.ticker}`.execute(db.kysely),
  );
  return rows[0]?.actions ?? null;
}

export interface StoredSplit {
  /** The first moment on the new footing: midnight at the exchange, Unix seconds. */
  since: UnixSeconds;
  /** The same as the key of its 1d bar. */
  exDate: UnixSeconds;
  /** New shares for an old one. */
  ratio: number;
}

export async function listSplits(db: Database, ticker: string): Promise<StoredSplit[]> {
  const { rows } = await answering(() =>
    sql<StoredSplit>`
      SELECT extract(epoch FROM ex_date::timestamp AT TIME ZONE t.timezone)::bigint AS since,
        extract(epoch FROM ex_date::timestamp AT TIME ZONE 'UTC')::bigint AS "exDate", numerator / denominator AS ratio
      FROM corporate_actions a JOIN stock_tickers t USING (ticker)
      WHERE a.ticker = ${ticker} AND kind = 'split' ORDER BY ex_date`.execute(db.kysely),
  );
  return rows;
}
