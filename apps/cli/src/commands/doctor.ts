/** `tapecast doctor`: checks every dependency and setting, and says what to do about each that is not well. */
import { statfs } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { openDatabase, type Database } from '@tapecast/db/database';
import { readFeed } from '@tapecast/db/feed';
import { inspectServer } from '@tapecast/db/inspect';
import { listRuns } from '@tapecast/db/ingest-runs';
import { openListener } from '@tapecast/db/listen';
import { assertSchema } from '@tapecast/db/migrate';
import { connectQueues } from '@tapecast/queue/queues';
import { loadConfig } from '@tapecast/runtime/config';
import { databaseSettings, pollSettings, queueSettings, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';
import { type CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findDatabase, type FoundDatabase } from '../find-database.ts';
import { webOrigin } from './tail.ts';

export interface Finding {
  name: string;
  state: 'ok' | 'warning' | 'problem';
  message: string;
  /** What to do. */
  advice?: string;
}

type Check = (context: CommandContext) => Promise<Omit<Finding, 'name'>[]>;

const PATIENCE_MS = 4_000;
const LEAST_FREE_BYTES = 1 << 30;
const ROOT = resolve(import.meta.dirname, '..', '..', '..', '..');

const Settings = z.object({
  ...databaseSettings,
  ...pollSettings,
  ...serviceSettings,
  QUEUE_URL: queueSettings.QUEUE_URL.optional(),
  PRICE_SOURCE: z
    .enum(['auto', 'yahoo', 'simulated', 'replay'], { error: 'must be auto, yahoo, simulated or replay' })
    .default('auto'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(3_000),
  DATA_DIR: z.string().default('.tapecast'),
});

const ok = (message: string): Omit<Finding, 'name'>[] => [{ state: 'ok', message }];
const problem = (message: string, advice: string): Omit<Finding, 'name'>[] => [{ state: 'problem', message, advice }];
const warning = (message: string, advice: string): Omit<Finding, 'name'>[] => [{ state: 'warning', message, advice }];

const CHECKS: Record<string, Check> = {
  node: async () => {
    const major = Number(process.versions.node.split('.')[0]);
    if (major >= 24) return ok(`Node ${process.versions.node}`);
    return problem(
      `Node ${process.versions.node} is too old`,
      'npm start brings Node 24; elsewhere install 24 or newer.',
    );
  },
  settings: async ({ env }) => {
    try {
      loadConfig(Settings, env);
      return ok('every variable that is set can be read');
    } catch (error) {
      return problem(messageOf(error), '.env.example explains each variable.');
    }
  },
  disk: async ({ env }) => {
    const dataDir = env['DATA_DIR'] || '.tapecast';
    const folder = isAbsolute(dataDir) ? dataDir : resolve(ROOT, dataDir);
    const facts = await statfs(folder).catch(() => statfs(ROOT));
    const free = facts.bavail * facts.bsize;
    const said = `${(free / 2 ** 30).toFixed(1)} GB free`;
    return free >= LEAST_FREE_BYTES ? ok(said) : problem(said, 'Make room: a full disk stops the database.');
  },
  database: (context) => checkDatabase(context),
  queue: ({ env }) => checkQueue(env['QUEUE_URL']),
  web: ({ env }) => checkWeb(env),
  prices: ({ env }) => checkVendor(env),
};

export async function doctor(context: CommandContext): Promise<ExitCode> {
  const found = await Promise.all(
    Object.entries(CHECKS).map(async ([name, check]): Promise<Finding[]> => {
      const results = await check(context).catch((error: unknown) =>
        problem(messageOf(error), 'This check itself failed; the message above is all that is known.'),
      );
      return results.map((result) => ({ name, ...result }));
    }),
  );
  const findings = found.flat();
  const problems = findings.filter(({ state }) => state === 'problem').length;
  const marks = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' };
  const lines = findings.flatMap(({ name, state, message, advice }) => [
    `${marks[state]} ${name}: ${message}`,
    ...(advice === undefined ? [] : [`          → ${advice}`]),
  ]);
  lines.push(problems === 0 ? 'Nothing is in the way.' : `${problems} ${problems === 1 ? 'problem' : 'problems'}.`);
  context.terminal.result({ findings, problems }, lines.join('\n'));
  return problems === 0 ? EXIT.ok : EXIT.findings;
}

async function checkDatabase(context: CommandContext): Promise<Omit<Finding, 'name'>[]> {
  let found: FoundDatabase;
  try {
    found = await findDatabase(context.env, context.database);
  } catch (error) {
    return problem(messageOf(error), 'The commands that need a database work once this is mended.');
  }
  const db = openDatabase({
    url: found.url,
    applicationName: 'tapecast doctor',
    maxConnections: 2,
    queryTimeoutMs: PATIENCE_MS,
  });
  try {
    return await examine(db, found);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return problem(
      `${found.place}: ${messageOf(error)}${cause}`,
      'Check that the server runs, that a firewall lets this machine in, and the user and password in DATABASE_URL.',
    );
  } finally {
    await db.close();
  }
}

async function examine(db: Database, { place, url }: FoundDatabase): Promise<Omit<Finding, 'name'>[]> {
  const facts = await inspectServer(db);
  const kind = facts.timescale === null ? 'without TimescaleDB' : `TimescaleDB ${facts.timescale}`;
  const size = `${(facts.sizeBytes / 2 ** 20).toFixed(0)} MB`;
  const findings = ok(`${place} as ${facts.user}: PostgreSQL ${facts.version}, ${kind}, ${size}`);
  if (facts.major < 15) findings.push(...problem(`PostgreSQL ${facts.version} is too old`, 'Use 15 or newer.'));
  if (facts.readOnly)
    findings.push(...problem('this is a standby, which takes no writes', 'Point DATABASE_URL at the primary.'));
  const { hostname } = new URL(url);
  if (!facts.tls && !['127.0.0.1', 'localhost', '[::1]', ''].includes(hostname)) {
    findings.push(
      ...warning(
        'the connection is not encrypted',
        'Add ?sslmode=verify-full to DATABASE_URL where the network is not yours.',
      ),
    );
  }
  try {
    await assertSchema(db);
    findings.push(...ok('the schema is the one of this version'));
  } catch (error) {
    return [...findings, ...problem(messageOf(error), 'tapecast db up brings it to the newest schema.')];
  }
  findings.push(...(await checkListen(url)), ...(await checkFeed(db)));
  const stuck = (await listRuns(db)).filter(({ status }) => status === 'running');
  for (const { id, source } of stuck) {
    findings.push(
      ...warning(
        `import ${id} of ${source} runs, or was cut short`,
        'Run the same import again: it goes on where it was.',
      ),
    );
  }
  return findings;
}

/** A pooler in transaction mode takes LISTEN and never delivers. */
async function checkListen(url: string): Promise<Omit<Finding, 'name'>[]> {
  const heard = await new Promise<boolean>((done) => {
    const patience = setTimeout(() => done(false), PATIENCE_MS);
    const listener = openListener({
      url,
      applicationName: 'tapecast doctor',
      channels: {},
      onReady: () => {
        clearTimeout(patience);
        done(true);
        void listener.close();
      },
      onLost: () => undefined,
      onMalformed: () => undefined,
    });
    setTimeout(() => void listener.close(), PATIENCE_MS + 100).unref();
  });
  if (heard) return ok('LISTEN works');
  return problem(
    'LISTEN gets no connection',
    'Behind PgBouncer in transaction mode set DATABASE_LISTEN_URL to the server itself.',
  );
}

async function checkFeed(db: Database): Promise<Omit<Finding, 'name'>[]> {
  const feed = await readFeed(db);
  if (feed === null) return warning('no prices have been polled yet', 'The ingestor polls: npm start runs it.');
  if (feed.lastError !== null) {
    return warning(
      `polling ${feed.source} fails: ${feed.lastError}`,
      'It is tried again by itself; see the ingestor\u2019s log.',
    );
  }
  const age = Math.round(Date.now() / 1_000 - (feed.okAt ?? 0));
  if (age <= 3 * feed.pollSeconds + 10) return ok(`prices from ${feed.source}, polled ${age} s ago`);
  return warning(
    `the last poll of ${feed.source} was ${age} s ago`,
    'No ingestor runs on this database: npm start runs one.',
  );
}

async function checkQueue(url: string | undefined): Promise<Omit<Finding, 'name'>[]> {
  if (url === undefined || url === '')
    return ok('QUEUE_URL is not set: npm start keeps its jobs on its own PostgreSQL');
  let trouble: Error | undefined;
  try {
    const queues = connectQueues({
      url,
      onError: (error) => (trouble = error),
      timeoutMs: PATIENCE_MS,
      closeTimeoutMs: 500,
    });
    try {
      const { waiting } = await queues.counts('polls');
      return ok(`${URL.parse(url)?.host ?? 'the queue'} answers, ${waiting} jobs wait`);
    } finally {
      await queues.close();
    }
  } catch (error) {
    return problem(
      `QUEUE_URL: ${messageOf(error)}${trouble === undefined ? '' : ` (${trouble.message})`}`,
      'Check that the Redis or PostgreSQL of QUEUE_URL runs and can be reached from here.',
    );
  }
}

async function checkWeb(env: NodeJS.ProcessEnv): Promise<Omit<Finding, 'name'>[]> {
  const { origin, path } = webOrigin(env);
  try {
    const response = await fetch(`${origin}${path}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const answer = z.object({ ready: z.boolean(), reasons: z.array(z.string()) }).safeParse(await response.json());
    if (answer.data?.ready === true) return ok(`${origin}${path} is ready`);
    const reasons = answer.data?.reasons.join('; ') ?? `status ${response.status}`;
    return problem(
      `${origin}${path} is not ready: ${reasons}`,
      'It waits for what it names, and is ready by itself once that is there.',
    );
  } catch (error) {
    return warning(
      `${origin}${path} does not answer (${messageOf(error)})`,
      'npm start runs it; HOST, PORT and BASE_PATH say where.',
    );
  }
}

async function checkVendor(env: NodeJS.ProcessEnv): Promise<Omit<Finding, 'name'>[]> {
  if (env['PRICE_SOURCE'] === 'simulated') return ok('simulated, as PRICE_SOURCE says');
  const origin = env['YAHOO_ORIGIN'] || 'https://query1.finance.yahoo.com';
  try {
    const response = await fetch(new URL('/v8/finance/chart/MSFT?range=1d&interval=1d', origin), {
      headers: { accept: 'application/json', 'user-agent': 'Mozilla/5.0' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    if (response.ok && text.startsWith('{')) return ok(`${origin} answers`);
    return warning(
      `${origin} answers with status ${response.status}`,
      'It may limit this address for a while; less frequent polling helps (POLL_SECONDS).',
    );
  } catch (error) {
    return warning(
      `${origin} cannot be reached (${messageOf(error)})`,
      'Without it prices are simulated (PRICE_SOURCE=auto) or stale. A proxy can be named by YAHOO_ORIGIN.',
    );
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.message === 'fetch failed' ? error.cause.message : error.message;
}
