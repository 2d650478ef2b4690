/** `tapecast tail`: changes of bars as they happen, over the socket that the dashboard uses. */
import { createClient } from '@tapecast/client/client';
import { type Bar, isWithdrawn } from '@tapecast/contracts/bar';
import { Resolution } from '@tapecast/contracts/resolution';
import { type CommandContext } from '../context.ts';
import { EXIT, UnavailableError, UsageError, type ExitCode } from '../exit-codes.ts';
import { parseTickers } from './tickers.ts';

export interface TailOptions {
  resolution: string;
  origin?: string;
  last: string;
  count?: string;
}

const CONNECT_PATIENCE_MS = 10_000;

/** Where the dashboard is, by the settings of this environment. */
export function webOrigin(env: NodeJS.ProcessEnv): { origin: string; path: string } {
  const host = env['HOST'] || '127.0.0.1';
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return { origin: `http://${reachable}:${env['PORT'] || '3000'}`, path: env['BASE_PATH'] ?? '' };
}

export async function tail(names: readonly string[], options: TailOptions, context: CommandContext): Promise<ExitCode> {
  const { terminal, signal } = context;
  const tickers = parseTickers(names);
  const resolution = Resolution.safeParse(options.resolution);
  if (!resolution.success) throw new UsageError(`--resolution: one of ${Resolution.options.join(', ')}`);
  const last = wholeNumber('--last', options.last, 0);
  const most = options.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--count', options.count, 1);
  const web = webOrigin(context.env);
  const origin = (options.origin ?? web.origin + web.path).replace(/\/$/, '');
  const address = URL.parse(origin);
  if (address === null) throw new UsageError(`--origin ${origin}: an address such as http://127.0.0.1:3000.`);
  const { pathname } = address;
  const client = createClient({ origin: address.origin, path: `${pathname.replace(/\/$/, '')}/socket.io/` });
  const show = (ticker: string, kind: 'held' | 'change', bars: readonly Bar[]): void => {
    for (const bar of bars) {
      const [time, open, high, low, close, volume] = bar;
      const at = new Date(time * 1_000).toISOString().replace('.000Z', 'Z');
      const value = { ticker, resolution: resolution.data, kind, time: at, open, high, low, close, volume };
      const prices = isWithdrawn(bar) ? 'withdrawn' : `${open} ${high} ${low} ${close} ${volume ?? '-'}`;
      terminal.result(value, `${ticker} ${resolution.data} ${at} ${prices}`);
    }
  };
  try {
    return await new Promise<ExitCode>((resolve, reject) => {
      let changes = 0;
      const refused = new Set<string>();
      const patience = setTimeout(() => {
        reject(new UnavailableError(`Tapecast does not answer at ${origin}: run npm start, or say --origin.`));
      }, CONNECT_PATIENCE_MS);
      client.onConnection(({ state, problem }) => {
        if (state === 'connected') clearTimeout(patience);
        else if (state === 'reconnecting') terminal.note(`connection lost (${problem ?? 'unknown'}), trying again …`);
      });
      for (const ticker of tickers) {
        client.subscribe(
          { ticker, resolution: resolution.data, limit: Math.max(1, last) },
          {
            snapshot: ({ bars }) => show(ticker, 'held', last === 0 ? [] : bars.slice(-last)),
            change: (bars) => {
              show(ticker, 'change', bars);
              changes += bars.length;
              if (changes >= most) resolve(EXIT.ok);
            },
            error: ({ code, message }) => {
              terminal.note(`${ticker}: ${message}`);
              if (code === 'unavailable' || code === 'rate_limited') return;
              refused.add(ticker);
              if (refused.size === tickers.length) reject(new UsageError(`${ticker}: ${message}`));
            },
          },
        );
      }
      signal.addEventListener('abort', () => resolve(EXIT.ok), { once: true });
    });
  } finally {
    client.close();
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 10_000) return value;
  throw new UsageError(`${name} ${text}: a whole number from ${least} to 10000.`);
}
