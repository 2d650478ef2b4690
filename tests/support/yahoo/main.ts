/** `node tests/support/yahoo/main.ts --port 4010`, with TEST_DATA_DIR for recorded replies. */
import { parseArgs } from 'node:util';
import { startYahoo } from './server.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4010' }, host: { type: 'string', default: '127.0.0.1' } },
});
const stub = await startYahoo({ port: Number(values.port), host: values.host });
console.log(`a local Yahoo answers at ${stub.origin}: set YAHOO_ORIGIN=${stub.origin}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stub.close());
