/** Which column of a file holds what: Yahoo's, Stooq's and our own names are known, others are told by --map. */
import { ImportError } from './errors.ts';

export const FIELDS = [
  'time',
  'clock',
  'ticker',
  'resolution',
  'open',
  'high',
  'low',
  'close',
  'close_adj',
  'volume',
] as const;
export type Field = (typeof FIELDS)[number];

export interface Layout {
  /** Place of each field's column, where the file has one. */
  columns: Partial<Record<Field, number>>;
  /** The file's own names, in order. */
  header: string[];
  /** Names of columns that are not read. */
  ignored: string[];
  /** Whose file it looks like. */
  kind: 'yahoo' | 'stooq' | 'tapecast' | 'mapped' | 'other';
}

const NAMES: Record<Field, readonly string[]> = {
  time: ['time', 'date', 'datetime', 'timestamp', 'date/time'],
  clock: [],
  ticker: ['ticker', 'symbol'],
  resolution: ['resolution', 'per'],
  open: ['open'],
  high: ['high'],
  low: ['low'],
  close: ['close', 'close*', 'last', 'close/last'],
  close_adj: ['close_adj', 'adj close', 'adj_close', 'adj close**', 'adjusted close', 'adjclose'],
  volume: ['volume', 'vol'],
};
const REQUIRED: readonly Field[] = ['time', 'open', 'high', 'low', 'close'];

/**
 * @param map the file's column by field, such as `{ time: 'Datum' }`; the rest is recognised by name
 * @throws {ImportError} naming the columns that are missing or there twice
 */
export function recogniseLayout(header: readonly string[], map: Partial<Record<Field, string>> = {}): Layout {
  const names = header.map((name) => name.trim());
  const plain = names.map((name) => name.toLowerCase().replace(/^<(.*)>$/, '$1'));
  const columns: Partial<Record<Field, number>> = {};
  for (const field of FIELDS) {
    const wanted = map[field];
    const places = wanted === undefined ? placesOf(plain, NAMES[field]) : placesOf(names, [wanted]);
    if (wanted !== undefined && places.length === 0) {
      throw new ImportError(`--map ${field}=${wanted}: the file has no column "${wanted}". It has: ${list(names)}.`);
    }
    if (places.length > 1 && field !== 'time') {
      throw new ImportError(
        `The columns ${list(places.map((place) => names[place] ?? ''))} could all be "${field}": choose one with --map ${field}=….`,
      );
    }
    if (places[0] !== undefined) columns[field] = places[0];
  }
  if (map.time === undefined && map.clock === undefined) splitTime(plain, columns);
  const missing = REQUIRED.filter((field) => columns[field] === undefined);
  if (missing.length > 0) {
    throw new ImportError(
      `The file has no column for ${list(missing)}. Its first line names: ${list(names)}. ` +
        `Say which is which: --map ${missing.map((field) => `${field}=…`).join(',')} (or --table NAME, if these are no bars).`,
    );
  }
  const used = new Set(Object.values(columns));
  const ignored = names.filter((_, place) => !used.has(place));
  return { columns, header: names, ignored, kind: kindOf(plain, map) };
}

function placesOf(names: readonly string[], wanted: readonly string[]): number[] {
  return names.flatMap((name, place) => (wanted.includes(name) ? [place] : []));
}

/** `<DATE>,<TIME>`: two columns make up one time. */
function splitTime(plain: readonly string[], columns: Partial<Record<Field, number>>): void {
  const date = plain.indexOf('date');
  const time = plain.indexOf('time');
  if (date < 0 || time < 0) return;
  columns.time = date;
  columns.clock = time;
}

function kindOf(plain: readonly string[], map: Partial<Record<Field, string>>): Layout['kind'] {
  if (Object.keys(map).length > 0) return 'mapped';
  if (plain.includes('per') && plain.includes('openint')) return 'stooq';
  if (plain.includes('adj close') || plain.includes('stock splits')) return 'yahoo';
  if (plain[0] === 'time') return 'tapecast';
  return 'other';
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => (name.length > 40 ? `${name.slice(0, 40)}…` : name));
  return shown.join(', ') + (names.length > shown.length ? ', …' : '');
}
