/** The same schema, views and results on plain PostgreSQL and on TimescaleDB, small (in WASM) and real. */
import { describe } from 'vitest';
import { PLAIN, realTimescale, WASM } from './conformance-servers.ts';
import { conformanceSuite } from './conformance-suite.ts';

const url = process.env['TEST_TIMESCALE_URL'];

describe(PLAIN.name, () => conformanceSuite(PLAIN));
describe(WASM.name, () => conformanceSuite(WASM));
describe.skipIf(url === undefined)('TimescaleDB on a server', () => conformanceSuite(realTimescale(url)));
