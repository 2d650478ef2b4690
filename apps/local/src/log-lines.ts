/** Makes what services print readable beside each other: their name first, JSON log lines as sentences. */
import { z } from 'zod';

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: '', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };
const NAME_WIDTH = 10;
/** Said by the prefix already, or of no use on one machine. */
const NOISE = new Set(['service', 'pid', 'hostname']);

const LogLine = z.looseObject({
  level: z.number(),
  time: z.union([z.string(), z.number()]),
  msg: z.string().optional(),
});

/** One line of a service, readable. Lines that are not JSON of ours come through as they are. */
export function readableLine(service: string, line: string): string {
  const prefix = `${service.padEnd(NAME_WIDTH)} `;
  const parsed = LogLine.safeParse(parseJson(line));
  if (!parsed.success) return prefix + line;
  const { level, time, msg = '', err, ...rest } = parsed.data;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const words = [
    clock,
    LEVELS[level] ?? '',
    msg,
    ...Object.entries(rest)
      .filter(([key]) => !NOISE.has(key))
      .map(([key, value]) => `${key}=${inline(value)}`),
  ];
  const trace = describeError(err)
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => `\n${prefix}  ${text}`)
    .join('');
  return prefix + words.filter((word) => word !== '').join(' ') + trace;
}

/** Cuts a stream's chunks into lines. */
export function lineCutter(use: (line: string) => void): { push(text: string): void; end(): void } {
  let rest = '';
  return {
    push(text) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) use(line);
    },
    end() {
      if (rest !== '') use(rest);
      rest = '';
    },
  };
}

function inline(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function describeError(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  if ('stack' in err && typeof err.stack === 'string') return err.stack;
  return inline(err);
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
