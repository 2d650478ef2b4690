/** Prints the times and closes that it holds, after every change: `sleeper.ts <origin> <ticker>`. */
import { createClient } from '@tapecast/client/client';

const [origin = '', ticker = ''] = process.argv.slice(2);
const held = new Map<number, number>();
const say = () => process.stdout.write(`${JSON.stringify([...held].sort(([left], [right]) => left - right))}\n`);
createClient({ origin }).subscribe(
  { ticker, resolution: '1m' },
  {
    snapshot: ({ bars }) => {
      held.clear();
      for (const [time, , , , close] of bars) held.set(time, close);
      say();
    },
    change: (bars) => {
      for (const [time, , , , close] of bars) {
        if (close === null) held.delete(time);
        else held.set(time, close);
      }
      say();
    },
  },
);
