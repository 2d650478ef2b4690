/** Stands for the ingestor where only the launcher is under test: says what it was given, and lives until it is told to stop. */
import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';

const line = { level: 30, time: Date.now(), msg: 'up', source: process.env['PRICE_SOURCE'] };
process.stdout.write(`${JSON.stringify(line)}\n`);
const health = createServer((_request, response) => response.end()).listen(
  Number(process.env['METRICS_PORT']),
  '127.0.0.1',
);
process.on('SIGTERM', () => {
  health.close();
  health.closeAllConnections();
});
// Services do their heavy work in threads, which must come through the launcher's preloading unharmed.
new Worker('process.stdout.write(`a thread ran\n`)', { eval: true });
