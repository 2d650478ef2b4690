/** From a source's quotes to the database: judged, keyed, merged, and what was refused recorded. */
import { currentBarKeys } from '@tapecast/calendar/bars';
import { type Session } from '@tapecast/calendar/sessions';
import { type Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { recordPoll } from '@tapecast/db/feed';
import { recordRejections } from '@tapecast/db/rejections';
import { describeTicker } from '@tapecast/db/tickers';
import { mergeQuotes, type QuoteRow } from '@tapecast/db/write-quotes';
import { type InstrumentBook } from './instrument-book.ts';
import { type QuoteReply, type Rejection, type SourceName } from './sources/source.ts';
import { validateQuotes, type ValidQuote } from './validate.ts';

/** What one cycle of polling brought: a reply, or the reason why there is none. */
export type Poll = { receivedAt: number } & ({ reply: QuoteReply } | { error: string });

export interface QuoteWriterOptions {
  db: Database;
  source: SourceName;
  pollSeconds: number;
  book: InstrumentBook;
}

export interface WriteResult {
  accepted: number;
  rejected: Rejection[];
  /** Yesterday's close is told to be another one than was seen: a split has restated it, perhaps. */
  restated: Ticker[];
}

/** A close that is restated by less could be a late correction. */
const RESTATED = 1.2;

/** Writes polls one after the other, in the order in which they were made. */
export interface QuoteWriter {
  /**
   * Writing the same poll again changes nothing.
   * @throws {DatabaseUnavailableError} try again later
   */
  write(poll: Poll): Promise<WriteResult>;
}

export function createQuoteWriter({ db, source, pollSeconds, book }: QuoteWriterOptions): QuoteWriter {
  const lastTimes = new Map<Ticker, UnixSeconds>();
  const lastQuotes = new Map<Ticker, ValidQuote>();
  /** The first quote of a day names the close of the day before, whose last price was seen. */
  const isRestated = (quote: ValidQuote): boolean => {
    const last = lastQuotes.get(quote.instrument.ticker);
    if (last === undefined || quote.previousClose === null || quote.previousClose === last.previousClose) return false;
    const ratio = quote.previousClose / last.price;
    return ratio > RESTATED || ratio < 1 / RESTATED;
  };
  return {
    write: async (poll) => {
      const feed = { source, pollSeconds, at: new Date(poll.receivedAt) };
      if ('error' in poll) {
        await recordPoll(db, { ...feed, ok: false, error: poll.error });
        return { accepted: 0, rejected: [], restated: [] };
      }
      const { kept, rejected } = validateQuotes(poll.reply.quotes, poll.receivedAt / 1_000, lastTimes);
      const rows = kept.map((quote) => toQuoteRow(quote, book.sessionOf(quote.instrument), source, poll.receivedAt));
      const merged = await mergeQuotes(db, rows);
      const restated = kept.filter(isRestated).map(({ instrument }) => instrument.ticker);
      for (const quote of kept) lastQuotes.set(quote.instrument.ticker, quote);
      for (const { instrument, time, delaySeconds, marketState } of kept) {
        const { ticker } = instrument;
        lastTimes.set(ticker, time);
        if (book.learnQuote(ticker, { delaySeconds, marketState })) await describeTicker(db, ticker, { delaySeconds });
      }
      const outdated = kept
        .filter(({ instrument }) => merged.outdated.includes(instrument.ticker))
        .map((raw): Rejection => ({ ticker: raw.instrument.ticker, resolution: null, reason: 'older_than_last', raw }));
      const refused = [...poll.reply.rejected, ...rejected, ...outdated];
      await recordRejections(db, refused);
      // A reply of which nothing can be used keeps nobody up to date.
      const useless = kept.length === 0 && refused.length > 0;
      await recordPoll(db, useless ? { ...feed, ok: false, error: reasons(refused) } : { ...feed, ok: true });
      return { accepted: merged.accepted.length, rejected: refused, restated };
    },
  };
}

export function toQuoteRow(quote: ValidQuote, session: Session, source: SourceName, receivedAt: number): QuoteRow {
  const { instrument, price, time, marketState, delaySeconds } = quote;
  return {
    ticker: instrument.ticker,
    price,
    quoteTime: time,
    receivedAt,
    previousClose: quote.previousClose,
    dayOpen: quote.dayOpen,
    dayHigh: quote.dayHigh,
    dayLow: quote.dayLow,
    dayVolume: quote.dayVolume,
    marketState,
    delaySeconds,
    source,
    bars: currentBarKeys(session, { time, marketState }),
    volumeIsRolling: instrument.instrumentType === 'CRYPTOCURRENCY',
  };
}

function reasons(rejected: readonly Rejection[]): string {
  return `every quote was refused: ${[...new Set(rejected.map(({ reason }) => reason))].join(', ')}`;
}
