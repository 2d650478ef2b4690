import { expect, it } from 'vitest';
import { columnNames } from './import-table.ts';
import { createColumnTypes } from './infer-types.ts';

const typeOf = (...values: string[]) => {
  const types = createColumnTypes(1);
  for (const value of values) types.see(0, value);
  return types.types()[0];
};

it.each([
  [['1', '', '-20'], 'bigint'],
  [['1', '2.5', '1e3'], 'double precision'],
  [['1', '007'], 'text'],
  [['1e400'], 'text'],
  [['12345678901234567890'], 'double precision'],
  [['true', 'FALSE'], 'boolean'],
  [['true', '1'], 'text'],
  [['2024-01-31', '2024-02-29'], 'date'],
  [['2024-01-31', '2024-02-30'], 'text'],
  [['2024-01-31', '2024-01-31 15:30'], 'timestamp without time zone'],
  [['2024-01-31T15:30Z', '2024-01-31 15:30:00+02:00'], 'timestamp with time zone'],
  [['2024-01-31T15:30Z', '2024-01-31 15:30'], 'text'],
  [['', ''], 'text'],
])('%j → %s', (values, type) => {
  expect(typeOf(...values)).toBe(type);
});

it('makes names that SQL takes as they are, each once', () => {
  expect(columnNames(['Größe (m)', '1st', '', 'a b', 'A-B', 'row'])).toEqual([
    'gro_e_m',
    'c_1st',
    'column_3',
    'a_b',
    'a_b_2',
    'row',
  ]);
});
