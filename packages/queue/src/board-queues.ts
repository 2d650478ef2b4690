/** The queues as bull-board wants them. Here because no other package imports bullmq. */
import type { BaseAdapter } from '@bull-board/api/baseAdapter';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue } from 'bullmq';
import { backendFor } from './backend.ts';
import { type JobQueue } from './producer.ts';
import { JOB_DEFAULTS } from './retention.ts';

export interface BoardQueues {
  adapters: BaseAdapter[];
  close(): Promise<void>;
}

/** @param options.readOnly nothing can be retried, removed, paused or added */
export function openBoardQueues(options: {
  url: string;
  names: readonly string[];
  readOnly: boolean;
  onError(error: Error): void;
}): BoardQueues {
  const { url, names, readOnly, onError } = options;
  const backend = backendFor(url);
  const queues = names.map((name): JobQueue => {
    const queue: JobQueue = new Queue(name, { connection: {}, defaultJobOptions: JOB_DEFAULTS }, backend);
    queue.on('error', onError);
    return queue;
  });
  return {
    // Its types know Redis only; it asks the queue at run time which server it lives on.
    adapters: queues.map(
      (queue) => new BullMQAdapter(queue as unknown as Queue, { readOnlyMode: readOnly, allowRetries: !readOnly }),
    ),
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close().catch(() => queue.disconnect())));
    },
  };
}
