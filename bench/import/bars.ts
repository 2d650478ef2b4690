/** Generated minutes of a few tickers: the same rows for every way of loading them. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

export const HEADER = 'time,ticker,open,high,low,close,volume';
const TICKERS = 4;
const FIRST = Date.UTC(2020, 0, 2, 14, 30);

/** Mulberry32: the same numbers in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Rows as CSV lines, ticker by ticker, rising in time. */
export function* barLines(rows: number): Generator<string> {
  const random = randomNumbers(7);
  const each = Math.ceil(rows / TICKERS);
  for (let index = 0; index < rows; index += 1) {
    const ticker = Math.floor(index / each);
    const time = new Date(FIRST + (index % each) * 60_000).toISOString();
    const open = 50 + 100 * random();
    const close = open * (1 + (random() - 0.5) * 0.002);
    const high = Math.max(open, close) * (1 + random() * 0.001);
    const low = Math.min(open, close) * (1 - random() * 0.001);
    const prices = [open, high, low, close].map((price) => price.toFixed(4)).join(',');
    yield `${time},BENCH${ticker},${prices},${Math.floor(random() * 100_000)}`;
  }
}

export async function writeCsv(path: string, rows: number): Promise<void> {
  const file = createWriteStream(path);
  let text = `${HEADER}\n`;
  for (const line of barLines(rows)) {
    text += `${line}\n`;
    if (text.length < 1 << 20) continue;
    if (!file.write(text)) await once(file, 'drain');
    text = '';
  }
  file.end(text);
  await once(file, 'close');
}
