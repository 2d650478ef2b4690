/** A worker that takes a job, says so, and never finishes it: for tests that kill it. */
import { connectQueues } from '@tapecast/queue/queues';
import { z } from 'zod';

const [url = '', name = '', lockMs = '1000'] = process.argv.slice(2);
const queues = connectQueues({ url, onError: () => undefined });
queues.worker(
  name,
  z.unknown(),
  (_job, { id }) => {
    process.stdout.write(`took ${id}\n`);
    return new Promise(() => undefined);
  },
  { lockMs: Number(lockMs) },
);
