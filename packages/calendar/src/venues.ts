/** The vendor's exchange codes: which calendar each keeps, or which hours where no calendar is told. */
import { tradingHours, type ExchangeCalendar, type TradingHours } from './exchange.ts';
import { EURONEXT } from './exchanges/euronext.ts';
import { FRANKFURT } from './exchanges/frankfurt.ts';
import { HONG_KONG } from './exchanges/hong-kong.ts';
import { LONDON } from './exchanges/london.ts';
import { NEW_YORK } from './exchanges/new-york.ts';
import { TOKYO } from './exchanges/tokyo.ts';
import { TORONTO } from './exchanges/toronto.ts';

/**
 * `exchange`: with holidays; `hours` where they are other than the calendar's. `weekdays`: hours of every weekday.
 * `currencies` and `futures`: from Sunday evening to Friday evening in New York. `always`: never stops.
 */
export type Venue =
  | { kind: 'exchange'; calendar: ExchangeCalendar; hours?: TradingHours }
  | { kind: 'weekdays'; hours: TradingHours }
  | { kind: 'currencies' | 'futures' | 'always' };

const VENUES = new Map<string, Venue>();
const named = (codes: string, venue: Venue) => {
  for (const code of codes.split(' ')) VENUES.set(code, venue);
};

named('NMS NGM NCM NYQ ASE PCX BTS PNK OQB OQX NAS NYS SNP DJI NIM WCB', { kind: 'exchange', calendar: NEW_YORK });
named('TOR VAN', { kind: 'exchange', calendar: TORONTO });
named('LSE IOB', { kind: 'exchange', calendar: LONDON });
named('GER', { kind: 'exchange', calendar: FRANKFURT });
named('FRA', { kind: 'exchange', calendar: FRANKFURT, hours: tradingHours('08:00-22:00') });
named('PAR AMS BRU LIS', { kind: 'exchange', calendar: EURONEXT });
named('TYO JPX OSA', { kind: 'exchange', calendar: TOKYO });
named('HKG', { kind: 'exchange', calendar: HONG_KONG });

const WEEKDAYS = {
  ISE: '08:00-16:28',
  'MIL MCE VIE EBS STO': '09:00-17:30',
  OSL: '09:00-16:20',
  CPH: '09:00-17:00',
  HEL: '10:00-18:30',
  'SHH SHZ': '09:30-15:00',
  KSC: '09:00-15:30',
  TAI: '09:00-13:30',
  'NSI BSE': '09:15-15:30',
  ASX: '10:00-16:00',
  SAO: '10:00-17:00',
};
for (const [codes, hours] of Object.entries(WEEKDAYS)) named(codes, { kind: 'weekdays', hours: tradingHours(hours) });

named('CCY', { kind: 'currencies' });
named('CMX CME CBT NYM NYB', { kind: 'futures' });
named('CCC SIM', { kind: 'always' });

/** @returns undefined when the code is not known */
export function venueOf(exchange: string | null): Venue | undefined {
  return exchange === null ? undefined : VENUES.get(exchange);
}
