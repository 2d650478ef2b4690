/** What is known of each ticker while the service runs: session and delay, from the table, from charts and from quotes. */
import { sessionOf, type Session, type SessionFacts } from '@tapecast/calendar/sessions';
import { type TickerRow } from '@tapecast/db/tickers';
import { type Instrument } from './sources/source.ts';

export interface InstrumentBook {
  learnAll(rows: readonly TickerRow[]): void;
  /** Notes what a chart tells. A ticker without an exchange has not been described yet. */
  learn(ticker: string, facts: SessionFacts): void;
  /** @returns whether the delay is another one than before */
  learnQuote(ticker: string, quote: { delaySeconds: number; marketState: string }): boolean;
  /** The vendor says that the market is open, whatever the session says. */
  isOpen(ticker: string): boolean;
  /** The session of an instrument, told by the book first and by the instrument itself else. */
  sessionOf(instrument: Instrument): Session;
  /** null while nothing has described the ticker. */
  knownSession(ticker: string): Session | null;
  delayOf(ticker: string): number;
}

export function createInstrumentBook(): InstrumentBook {
  const facts = new Map<string, SessionFacts>();
  const delays = new Map<string, number>();
  const open = new Set<string>();
  // Sessions are asked for with every quote, and there are few different ones.
  const sessions = new Map<string, Session>();
  const sessionFor = (told: SessionFacts) => {
    const key = [told.exchange, told.timezone, told.sessionOpen, told.sessionClose].join(' ');
    const session = sessions.get(key) ?? sessionOf(told);
    sessions.set(key, session);
    return session;
  };
  const learn = (ticker: string, told: SessionFacts) => {
    if (told.exchange !== null) facts.set(ticker, told);
  };
  return {
    learn,
    learnAll: (rows) => {
      for (const row of rows) {
        learn(row.ticker, row);
        delays.set(row.ticker, row.delaySeconds);
      }
    },
    learnQuote: (ticker, { delaySeconds, marketState }) => {
      if (marketState === 'REGULAR') open.add(ticker);
      else open.delete(ticker);
      const known = delays.get(ticker) ?? 0;
      delays.set(ticker, delaySeconds);
      return known !== delaySeconds;
    },
    sessionOf: (instrument) => sessionFor(facts.get(instrument.ticker) ?? instrument),
    knownSession: (ticker) => {
      const told = facts.get(ticker);
      return told === undefined ? null : sessionFor(told);
    },
    isOpen: (ticker) => open.has(ticker),
    delayOf: (ticker) => delays.get(ticker) ?? 0,
  };
}
