import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeadline } from './deadline.ts';
import { QueueUnavailableError } from './errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('answers and failures in time pass through', async () => {
  const deadline = createDeadline('forecast', 1_000);
  await expect(deadline.run(async () => 7)).resolves.toBe(7);
  await expect(deadline.run(() => Promise.reject(new TypeError('no')))).rejects.toThrow(TypeError);
  expect(vi.getTimerCount()).toBe(0);
});

test('while one command is overdue others are not even given', async () => {
  const deadline = createDeadline('forecast', 1_000);
  let answer: () => void = () => undefined;
  const slow = deadline.run(() => new Promise<void>((resolve) => (answer = resolve)));
  const failed = expect(slow).rejects.toThrow(QueueUnavailableError);
  await vi.advanceTimersByTimeAsync(1_000);
  await failed;
  const command = vi.fn(async () => 1);
  await expect(deadline.run(command)).rejects.toThrow(QueueUnavailableError);
  expect(command).not.toHaveBeenCalled();
  answer();
  await vi.advanceTimersByTimeAsync(0);
  await expect(deadline.run(command)).resolves.toBe(1);
});
