/**
 * Regular sessions by the vendor's exchange code, for the time before a chart has told them, and to tell a half day
 * (which the vendor reports as if it were the rule) from the rule. Local minutes since midnight; lunch breaks are not modelled.
 */

export interface SessionHours {
  open: number;
  close: number;
}

const at = (hours: number, minutes = 0): number => hours * 60 + minutes;

const US: SessionHours = { open: at(9, 30), close: at(16) };
const LONDON: SessionHours = { open: at(8), close: at(16, 30) };
const CENTRAL_EUROPE: SessionHours = { open: at(9), close: at(17, 30) };

/** null: around the clock. */
const HOURS: ReadonlyMap<string, SessionHours | null> = new Map<string, SessionHours | null>([
  ...[
    'NMS',
    'NGM',
    'NCM',
    'NYQ',
    'ASE',
    'PCX',
    'BTS',
    'PNK',
    'OQB',
    'OQX',
    'NAS',
    'NYS',
    'SNP',
    'DJI',
    'NIM',
    'WCB',
  ].map((code): [string, SessionHours] => [code, US]),
  ['TOR', US],
  ['VAN', US],
  ['LSE', LONDON],
  ['IOB', LONDON],
  ['ISE', { open: at(8), close: at(16, 28) }],
  ...['GER', 'PAR', 'AMS', 'BRU', 'LIS', 'MIL', 'MCE', 'VIE'].map((code): [string, SessionHours] => [
    code,
    CENTRAL_EUROPE,
  ]),
  ['FRA', { open: at(8), close: at(22) }],
  ['EBS', { open: at(9), close: at(17, 30) }],
  ['STO', { open: at(9), close: at(17, 30) }],
  ['OSL', { open: at(9), close: at(16, 20) }],
  ['CPH', { open: at(9), close: at(17) }],
  ['HEL', { open: at(10), close: at(18, 30) }],
  ['TYO', { open: at(9), close: at(15, 30) }],
  ['JPX', { open: at(9), close: at(15, 30) }],
  ['OSA', { open: at(9), close: at(15, 30) }],
  ['HKG', { open: at(9, 30), close: at(16) }],
  ['SHH', { open: at(9, 30), close: at(15) }],
  ['SHZ', { open: at(9, 30), close: at(15) }],
  ['KSC', { open: at(9), close: at(15, 30) }],
  ['TAI', { open: at(9), close: at(13, 30) }],
  ['NSI', { open: at(9, 15), close: at(15, 30) }],
  ['BSE', { open: at(9, 15), close: at(15, 30) }],
  ['ASX', { open: at(10), close: at(16) }],
  ['SAO', { open: at(10), close: at(17) }],
  ['CCC', null],
  ['CCY', null],
  ['CMX', null],
  ['CME', null],
  ['CBT', null],
  ['NYM', null],
  ['NYB', null],
  ['SIM', null],
]);

/** Exchanges that trade on Saturday and Sunday too. */
const SEVEN_DAYS = new Set(['CCC', 'SIM']);

/** @returns the exchange's hours, null around the clock, undefined when the code is not known */
export function knownHours(exchange: string | null): SessionHours | null | undefined {
  return exchange === null ? undefined : HOURS.get(exchange);
}

export function tradesAtWeekends(exchange: string | null): boolean {
  return exchange !== null && SEVEN_DAYS.has(exchange);
}
