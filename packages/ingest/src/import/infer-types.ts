/** The narrowest type that every value of a column has, from all rows of a file. */
import { TABLE_TYPES, type TableType } from '@tapecast/db/import-table';

const bit = (type: TableType): number => 1 << TABLE_TYPES.indexOf(type);
const TEXT = bit('text');
const EVERYTHING = (1 << TABLE_TYPES.length) - 1;

const BOOLEAN = /^(true|false)$/i;
/** Leading zeros are part of a code, not of a number. */
const INTEGER = /^[+-]?(0|[1-9]\d{0,17})$/;
const NUMBER = /^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

export interface ColumnTypes {
  see(place: number, value: string): void;
  types(): TableType[];
}

export function createColumnTypes(columns: number): ColumnTypes {
  const possible = new Array<number>(columns).fill(EVERYTHING);
  const seen = new Array<boolean>(columns).fill(false);
  return {
    see: (place, value) => {
      if (value === '') return;
      seen[place] = true;
      if (possible[place] !== TEXT) possible[place] = (possible[place] ?? TEXT) & typesOf(value);
    },
    types: () =>
      possible.map((mask, place) =>
        seen[place] ? (TABLE_TYPES.find((type) => (mask & bit(type)) !== 0) ?? 'text') : 'text',
      ),
  };
}

function typesOf(value: string): number {
  if (INTEGER.test(value)) return bit('bigint') | bit('double precision') | TEXT;
  if (NUMBER.test(value)) return Number.isFinite(Number(value)) ? bit('double precision') | TEXT : TEXT;
  if (BOOLEAN.test(value)) return bit('boolean') | TEXT;
  return timeTypes(value);
}

function timeTypes(value: string): number {
  const parts = TIME.exec(value);
  if (parts === null) return TEXT;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const real = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!real || hour > 23 || minute > 59 || second > 59) return TEXT;
  if (parts[4] === undefined) return bit('date') | bit('timestamp without time zone') | TEXT;
  const zone = parts[7];
  if (zone === undefined) return bit('timestamp without time zone') | TEXT;
  return zone === 'Z' || Number(zone.slice(1, 3)) < 15 ? bit('timestamp with time zone') | TEXT : TEXT;
}
