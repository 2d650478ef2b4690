/** Bars as lines of CSV, from one snapshot of the database, in constant memory. */
import { type Resolution } from '@tapecast/contracts/resolution';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type RawBuilder, sql } from 'kysely';
import { answering, type Database } from './database.ts';

export const EXPORT_HEADER = 'time,ticker,open,high,low,close,close_adj,volume\n';
const PAGE = 2_000;

/**
 * Lines by ticker and time, without withdrawn bars and without a header.
 *
 * @yields pages of whole lines
 */
export async function* exportBars(
  db: Database,
  query: {
    tickers: readonly string[];
    resolution: Resolution;
    from?: UnixSeconds | undefined;
    to?: UnixSeconds | undefined;
  },
): AsyncGenerator<{ lines: string; rows: number }> {
  const client = await answering(() => db.pool.connect());
  const run = async <T>(statement: RawBuilder<T>) => {
    const { sql: text, parameters } = statement.compile(db.kysely);
    return (await answering(() => client.query(text, [...parameters]))).rows as T[];
  };
  let whole = false;
  try {
    await run(sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`);
    for (const ticker of query.tickers) {
      await run(sql`
        DECLARE lines NO SCROLL CURSOR FOR
        SELECT format('%s,%s,%s,%s,%s,%s,%s,%s', to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ticker, open, high, low,
          close, close_adj, volume) AS line
        FROM ${sql.table(`stock_prices_${query.resolution}`)}
        WHERE ticker = ${ticker} AND close IS NOT NULL
          AND (${query.from ?? null}::bigint IS NULL OR time >= to_timestamp(${query.from ?? null}::bigint))
          AND (${query.to ?? null}::bigint IS NULL OR time <= to_timestamp(${query.to ?? null}::bigint))
        ORDER BY time`);
      for (;;) {
        const rows = await run(sql<{ line: string }>`FETCH ${sql.lit(PAGE)} FROM lines`);
        if (rows.length > 0) yield { lines: rows.map(({ line }) => `${line}\n`).join(''), rows: rows.length };
        if (rows.length < PAGE) break;
      }
      await run(sql`CLOSE lines`);
    }
    await run(sql`COMMIT`);
    whole = true;
  } finally {
    client.release(!whole);
  }
}
