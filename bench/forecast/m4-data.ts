/** Reads the M4 competition's files: `<Freq>-train.csv` and `<Freq>-test.csv`, one series a row, values quoted, rows filled up with blanks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Frequency = 'hourly' | 'daily' | 'weekly';

export interface M4Series {
  /** `H1`, `D4227`, … */
  id: string;
  train: number[];
  test: number[];
}

/** What the organisers prescribe for each frequency. */
export interface M4Rules {
  /** Seasonal period in bars, for Naive2 and for the scaling of MASE; 1 is none. */
  period: number;
  horizon: number;
  /** Seasonal periods that are handed to the forecaster. */
  season: number[];
}

export const M4_RULES: Record<Frequency, M4Rules> = {
  hourly: { period: 24, horizon: 48, season: [24, 168] },
  daily: { period: 1, horizon: 14, season: [7] },
  weekly: { period: 1, horizon: 13, season: [52] },
};

/** @throws when a file is missing or a row of one has no partner in the other */
export function readM4(folder: string, frequency: Frequency, limit = Number.POSITIVE_INFINITY): M4Series[] {
  const name = frequency.charAt(0).toUpperCase() + frequency.slice(1);
  const tests = new Map(readRows(join(folder, `${name}-test.csv`)));
  const trains = readRows(join(folder, `${name}-train.csv`));
  const chosen =
    limit >= trains.length
      ? trains
      : // Spread over the file, whose neighbours are alike.
        Array.from({ length: limit }, (_, k) => trains[Math.floor((k * trains.length) / limit)] ?? trains[0]);
  return chosen.flatMap((row) => {
    if (row === undefined) return [];
    const [id, train] = row;
    const test = tests.get(id);
    if (test?.length !== M4_RULES[frequency].horizon) throw new Error(`${name}-test.csv has no whole row for ${id}`);
    return [{ id, train, test }];
  });
}

function readRows(file: string): [string, number[]][] {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/).slice(1);
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', ...cells] = line.replaceAll('"', '').split(',');
      const values = cells.filter((cell) => cell !== '' && cell !== 'NA').map(Number);
      if (!values.every(Number.isFinite)) throw new Error(`${file}: ${id} has a value that is no number`);
      return [id, values];
    });
}
