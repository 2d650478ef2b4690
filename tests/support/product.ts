/** The whole product as a user starts it, on ports and in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, type ServerProcess } from './server-process.ts';

export interface Product {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly dataDir: string;
  output(): string;
  /** Process id of the service that runs now, or of the PostgreSQL server. */
  pid(name: ProductProcess): number;
  /** A database of the product's own PostgreSQL, as its administrator. */
  databaseUrl(name: 'tapecast' | 'tapecast_simulated'): Promise<string>;
  stop(): Promise<void>;
}
export type ProductProcess = 'ingestor' | 'forecaster' | 'web' | 'postgres';

const ENTRY = join(import.meta.dirname, '..', '..', 'apps', 'local', 'src', 'main.ts');
const PATTERN: Record<ProductProcess, RegExp> = {
  ingestor: /apps\/ingestor\/src\/main\.ts/,
  forecaster: /apps\/forecaster\/src\/main\.ts/,
  web: /apps\/web\/server\/main\.ts/,
  postgres: /bin\/postgres -D/,
};

/** Starts it and waits for the line that says that charts can be seen. */
export async function startProduct(env: Record<string, string>): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tapecast-product-'));
  await chmod(dataDir, 0o755); // PostgreSQL may run as another OS user
  const process = await startServerProcess(globalThis.process.execPath, [ENTRY], /Tapecast is ready: \S+\n/, {
    ...inherited(),
    DATA_DIR: dataDir,
    PORT: '0',
    ...env,
  }).catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });
  const origin = /Tapecast is ready: (\S+)/.exec(process.output())?.[1] ?? '';
  return {
    origin,
    dataDir,
    output: process.output,
    pid: (name) => descendant(process, PATTERN[name]),
    databaseUrl: async (name) => {
      const folder = join(dataDir, 'postgres');
      const [port, password] = await Promise.all([
        readFile(join(folder, 'port'), 'utf8'),
        readFile(join(folder, 'password'), 'utf8'),
      ]);
      return `postgres://tapecast_admin:${encodeURIComponent(password.trim())}@127.0.0.1:${port.trim()}/${name}`;
    },
    stop: async () => {
      await process.end();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What the tests' own environment sets for the product must not leak into it. */
function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', TZ } = globalThis.process.env;
  return { PATH, HOME, ...(TZ === undefined ? {} : { TZ }) };
}

function descendant(root: ServerProcess, pattern: RegExp): number {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, ppid, args]) => ({ pid: Number(pid), ppid: Number(ppid), args: args ?? '' }));
  const family = new Set([root.pid]);
  for (let grown = true; grown;) {
    const before = family.size;
    for (const row of rows) if (family.has(row.ppid)) family.add(row.pid);
    grown = family.size > before;
  }
  const found = rows.find((row) => family.has(row.pid) && pattern.test(row.args));
  if (found === undefined) throw new Error(`The product runs no process like ${String(pattern)} now.`);
  return found.pid;
}
