/** Questions to a child process, answered one after another. */
import type { ChildProcess } from 'node:child_process';
import { nextMessage } from '../latency/world.ts';

export async function ask<T>(child: ChildProcess, request: unknown): Promise<T> {
  child.send(request as object);
  const reply = await nextMessage<{ answer: T } | { error: string }>(child);
  if ('error' in reply) throw new Error(reply.error);
  return reply.answer;
}

export function answerAll<R>(work: (request: R) => Promise<unknown>): void {
  process.on('message', (request: R) => {
    work(request).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : error }),
    );
  });
}
