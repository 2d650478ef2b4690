/** `tapecast tickers add|remove|list`: what is polled. */
import { Ticker } from '@tapecast/contracts/ticker';
import { ensureTickers, listTickers, setActive } from '@tapecast/db/tickers';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { table } from '../terminal.ts';

/** @throws {UsageError} */
export function parseTickers(names: readonly string[]): Ticker[] {
  return names.map((name) => {
    const ticker = Ticker.safeParse(name.toUpperCase());
    if (ticker.success) return ticker.data;
    throw new UsageError(`"${name.slice(0, 40)}" is no ticker: 1 to 24 of A-Z, 0-9 and . ^ = -`);
  });
}

export async function addTickers(names: readonly string[], context: CommandContext): Promise<ExitCode> {
  const tickers = parseTickers(names);
  await withDatabase(context, async (db) => {
    await ensureTickers(db, tickers);
    for (const ticker of tickers) await setActive(db, ticker, true);
  });
  context.terminal.result(
    { added: tickers },
    `${tickers.join(', ')}: polled from now on; the ingestor fills the history within a minute.`,
  );
  return EXIT.ok;
}

export async function removeTickers(names: readonly string[], context: CommandContext): Promise<ExitCode> {
  const tickers = parseTickers(names);
  const unknown: string[] = [];
  await withDatabase(context, async (db) => {
    for (const ticker of tickers) if (!(await setActive(db, ticker, false))) unknown.push(ticker);
  });
  if (unknown.length > 0)
    throw new UsageError(`${unknown.join(', ')}: not in the database. tapecast tickers list shows what is.`);
  context.terminal.result({ removed: tickers }, `${tickers.join(', ')}: no longer polled; the history stays.`);
  return EXIT.ok;
}

export async function showTickers(context: CommandContext): Promise<ExitCode> {
  const rows = await withDatabase(context, (db) => listTickers(db));
  context.terminal.result(
    rows,
    table(
      rows.map(({ ticker, name, exchange, currency, timezone, active }) => ({
        ticker,
        name,
        exchange,
        currency,
        timezone,
        polled: active ? 'yes' : 'no',
      })),
    ),
  );
  return EXIT.ok;
}
