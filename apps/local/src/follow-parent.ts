/**
 * Preloaded into each service: when the launcher is gone (`kill -9` included), its end of the channel closes, and the service
 * ends as after SIGTERM. Nothing may stay behind that holds the port or writes beside the next start.
 */
import { isMainThread } from 'node:worker_threads';

const LAST_RESORT_MS = 15_000;

function endAsTold(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_RESORT_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}

// Worker threads load what the process was told to load, and have no channel of their own.
if (isMainThread) {
  process.on('disconnect', endAsTold);
  process.channel?.unref(); // the channel alone must not keep a service alive
  if (!process.connected) endAsTold(); // the launcher went while this was loading, and the event with it
}
