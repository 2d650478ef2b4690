/** Stands for the ingestor where only the launcher is under test: says what it was given, and lives until it is told to stop. */
import { Worker } from 'node:worker_threads';

const line = { level: 30, time: Date.now(), msg: 'up', source: process.env['PRICE_SOURCE'] };
process.stdout.write(`${JSON.stringify(line)}\n`);
const keepAlive = setInterval(() => undefined, 60_000);
process.on('SIGTERM', () => clearInterval(keepAlive));
// Services do their heavy work in threads, which must come through the launcher's preloading unharmed.
new Worker('process.stdout.write(`a thread ran\n`)', { eval: true });
