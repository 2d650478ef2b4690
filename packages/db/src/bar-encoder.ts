/** Bars as COPY's binary tuples, in the order of BAR_COLUMNS: the doubles go to the server as they are. */

/** `time` in Unix seconds. */
export interface StagedBar {
  time: number;
  ticker: string;
  open: number;
  high: number;
  low: number;
  close: number;
  closeAdj: number | null;
  volume: number | null;
}

export interface BarEncoder {
  /** @param row number of the bar's row in the file */
  add(row: number, bar: StagedBar): void;
  /** The tuples since the last call, whole ones. The memory is the caller's. */
  take(): Buffer;
}

/** `row` and the eight columns of a bar. */
const FIELDS = 9;
/** Two bytes for the count of fields, four for each one's length, and eight for each but the ticker. */
const FIXED = 2 + FIELDS * 4 + (FIELDS - 1) * 8;
/** PostgreSQL counts microseconds from 2000-01-01. */
const EPOCH = 946_684_800;
const TWO_32 = 2 ** 32;

/** @param size of the memory for a part of the rows, in bytes; it grows where it has to */
export function createBarEncoder(size = 1 << 16): BarEncoder {
  let bytes = Buffer.allocUnsafeSlow(size);
  let view = new DataView(bytes.buffer);
  let at = 0;
  let lastTicker = '';
  let tickerBytes = Buffer.alloc(0);

  function reserve(wanted: number): void {
    if (at + wanted <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + wanted));
    bytes.copy(larger, 0, 0, at);
    bytes = larger;
    view = new DataView(bytes.buffer);
  }

  /** Split by hand: eight bytes as a BigInt would be made anew for each number. */
  function long(value: number): void {
    view.setInt32(at, 8);
    view.setInt32(at + 4, Math.floor(value / TWO_32));
    view.setUint32(at + 8, value - Math.floor(value / TWO_32) * TWO_32);
    at += 12;
  }

  function double(value: number | null): void {
    if (value === null) {
      view.setInt32(at, -1);
      at += 4;
      return;
    }
    view.setInt32(at, 8);
    view.setFloat64(at + 4, value);
    at += 12;
  }

  return {
    add: (row, bar) => {
      if (bar.ticker !== lastTicker) {
        lastTicker = bar.ticker;
        tickerBytes = Buffer.from(lastTicker);
      }
      reserve(FIXED + tickerBytes.length);
      view.setInt16(at, FIELDS);
      at += 2;
      long(row);
      long((bar.time - EPOCH) * 1_000_000);
      view.setInt32(at, tickerBytes.length);
      bytes.set(tickerBytes, at + 4);
      at += 4 + tickerBytes.length;
      double(bar.open);
      double(bar.high);
      double(bar.low);
      double(bar.close);
      double(bar.closeAdj);
      double(bar.volume);
    },
    take: () => {
      const taken = bytes.subarray(0, at);
      if (at === 0) return taken;
      bytes = Buffer.allocUnsafeSlow(size);
      view = new DataView(bytes.buffer);
      at = 0;
      return taken;
    },
  };
}
