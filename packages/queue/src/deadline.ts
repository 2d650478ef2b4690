/** Commands wait for a server that is away; whoever gave them should not have to. */
import { QueueUnavailableError } from './errors.ts';

export interface Deadline {
  /**
   * @throws {QueueUnavailableError} when the command took too long, or at once while an earlier one is still overdue:
   *   so nothing piles up in memory during an outage
   */
  run<T>(command: () => Promise<T>): Promise<T>;
}

export function createDeadline(queue: string, timeoutMs: number): Deadline {
  let overdue = 0;

  return {
    async run(command) {
      if (overdue > 0) throw new QueueUnavailableError(queue, timeoutMs);
      let timer: NodeJS.Timeout | undefined;
      let late = false;
      const deadline = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          late = true;
          overdue += 1;
          reject(new QueueUnavailableError(queue, timeoutMs));
        }, timeoutMs);
      });
      const settled = command().finally(() => {
        clearTimeout(timer);
        if (late) overdue -= 1;
      });
      settled.catch(() => undefined); // after the deadline nobody else listens
      return Promise.race([settled, deadline]);
    },
  };
}
