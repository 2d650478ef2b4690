import { expect, it } from 'vitest';
import { lineCutter, readableLine } from './log-lines.ts';

it('turns a JSON line into a sentence', () => {
  const time = new Date(2026, 10, 21, 14, 3, 20);
  const line = JSON.stringify({
    level: 40,
    time: time.toISOString(),
    service: 'web',
    pid: 7,
    msg: 'slow',
    clients: 3,
    to: 'a b',
  });
  expect(readableLine('web', line)).toBe('web        14:03:20 WARN slow clients=3 to=a b');
});

it('shows the stack of an error below its line', () => {
  const line = JSON.stringify({ level: 50, time: 0, msg: 'failed', err: { stack: 'Error: no\n    at x' } });
  expect(readableLine('web', line).split('\n').slice(1)).toEqual(['web          Error: no', 'web              at x']);
});

it('leaves other lines as they are', () => {
  expect(readableLine('forecaster', '{"level": broken')).toBe('forecaster {"level": broken');
  expect(readableLine('web', '')).toBe('web        ');
});

it('cuts chunks into lines wherever they end', () => {
  const lines: string[] = [];
  const cutter = lineCutter((line) => lines.push(line));
  for (const chunk of ['on', 'e\ntwo\r', '\n', 'three']) cutter.push(chunk);
  cutter.end();
  expect(lines).toEqual(['one', 'two', 'three']);
});
