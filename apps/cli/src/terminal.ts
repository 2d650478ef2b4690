/** Everything that the program says. Results go to stdout, the way there to stderr; with --json stdout holds JSON only. */
import { Listr } from 'listr2';

export interface Terminal {
  readonly json: boolean;
  /** A result: `text` for people, `value` with --json. */
  result(value: unknown, text: string): void;
  /** A line about what is going on; silent with --json. */
  note(line: string): void;
  /** Shows progress while `work` runs: a live line on a terminal, a line every few seconds elsewhere. */
  during<T>(title: string, work: (report: (line: string) => void) => Promise<T>): Promise<T>;
}

export interface TerminalStreams {
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream;
}

const PLAIN_EVERY_MS = 5_000;

export function openTerminal(
  json: boolean,
  streams: TerminalStreams = process,
  now: () => number = Date.now,
): Terminal {
  const note = (line: string) => {
    if (!json) streams.stderr.write(`${line}\n`);
  };
  return {
    json,
    note,
    result: (value, text) => void streams.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`),
    during: async (title, work) => {
      if (json) return work(() => undefined);
      if (streams.stdout.isTTY === true) return live(title, work);
      note(title);
      let last = now();
      return work((line) => {
        if (now() - last < PLAIN_EVERY_MS) return;
        last = now();
        note(`  ${line}`);
      });
    },
  };
}

async function live<T>(title: string, work: (report: (line: string) => void) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  const list = new Listr(
    [
      {
        title,
        task: async (_context, task) => {
          result = {
            value: await work((line) => {
              task.output = line;
            }),
          };
        },
      },
    ],
    { registerSignalListeners: false, collectErrors: false, rendererOptions: { showErrorMessage: false } },
  );
  await list.run();
  if (result === undefined) throw new Error('The task gave no result.');
  return result.value;
}

/** `12,345 rows, 98,700 rows/s, 37 %, 5 s left` */
export function progressLine(progress: { rows: number; share: number | null; seconds: number }): string {
  const { rows, share, seconds } = progress;
  const parts = [`${count(rows)} rows`];
  if (seconds > 0) parts.push(`${count(Math.round(rows / seconds))} rows/s`);
  if (share !== null && share > 0) {
    parts.push(`${Math.floor(share * 100)} %`, `${duration((seconds / share) * (1 - share))} left`);
  }
  return parts.join(', ');
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Columns of equal width; numbers to the right. */
export function table(rows: readonly Record<string, string | number | null>[]): string {
  const [first] = rows;
  if (first === undefined) return '(none)';
  const names = Object.keys(first);
  const cells = rows.map((row) =>
    names.map((name) => (typeof row[name] === 'number' ? count(row[name]) : (row[name] ?? ''))),
  );
  const widths = names.map((name, place) => Math.max(name.length, ...cells.map((cell) => (cell[place] ?? '').length)));
  const right = names.map((name) => rows.every((row) => typeof row[name] === 'number' || row[name] === null));
  const line = (cell: readonly string[]) =>
    cell
      .map((text, place) => (right[place] ? text.padStart(widths[place] ?? 0) : text.padEnd(widths[place] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(names), ...cells.map(line)].join('\n');
}
