/** Shares tasks between threads, one for each core. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type ForecastAnswer, type ForecastTask, type ThreadReply, type ThreadRequest } from './messages.ts';

/** @param onAnswer called with how many are done, as each comes in */
export async function forecastInThreads(
  tasks: readonly ForecastTask[],
  onAnswer: (done: number) => void,
  threads = availableParallelism(),
): Promise<ForecastAnswer[]> {
  const answers: ForecastAnswer[] = [];
  let [next, done] = [0, 0];

  async function work(): Promise<void> {
    const worker = new Worker(new URL('./forecast-thread.ts', import.meta.url));
    try {
      for (let index = next++; index < tasks.length; index = next++) {
        const task = tasks[index];
        if (task === undefined) break;
        worker.postMessage({ index, task } satisfies ThreadRequest);
        // An exception in the thread arrives as an 'error' event, at which `once` throws.
        const [reply] = (await once(worker, 'message')) as [ThreadReply];
        answers[reply.index] = reply.answer;
        onAnswer(++done);
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, work));
  return answers;
}
