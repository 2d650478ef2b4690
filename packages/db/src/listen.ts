/**
 * LISTEN that comes back by itself. What was sent while the connection was away is lost: `onReady` fires after every
 * (re)LISTEN, and whoever listens must read anew what it may have missed.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import createSubscriber, { type Subscriber } from 'pg-listen';
import { ListenUnheardError } from './errors.ts';

export interface ListenOptions {
  /** A direct connection: a transaction pooler would lose the LISTEN. */
  url: string;
  applicationName: string;
  channels: Record<string, (payload: unknown) => void>;
  onReady(): void;
  onLost(error: Error): void;
  /** A NOTIFY that is not JSON: anyone who may connect can send one. It is dropped. */
  onMalformed(channel: string, text: string): void;
}

export interface Listener {
  close(): Promise<void>;
}

/** Without these a connection that fell into a black hole is never noticed (20 s and more; with them about 3.5 s). */
const CHECK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 1_500;
const RETRY_MS = 500;
const HEARD_WITHIN_MS = 2_000;

type Message = { json: unknown } | { text: string };

function parse(text: string): Message {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return { text };
  }
}

// The package is CommonJS with an ES default: Node's import gives the module object, bundlers its default.
const subscriberFactory = (
  'default' in createSubscriber ? createSubscriber.default : createSubscriber
) as typeof createSubscriber.default;

export function openListener(options: ListenOptions): Listener {
  let closed = false;
  let subscriber: Subscriber | undefined;
  let retry: NodeJS.Timeout | undefined;

  const begin = async (): Promise<void> => {
    const current = subscriberFactory(
      {
        connectionString: options.url,
        application_name: `${options.applicationName}-listen`,
        connectionTimeoutMillis: 5_000,
        query_timeout: ANSWER_WITHIN_MS,
      },
      // Its own reconnecting could not be stopped by close(): with a limit of 1 it reports the loss and leaves it to us.
      { retryLimit: 1, paranoidChecking: CHECK_EVERY_MS, parse },
    );
    subscriber = current;
    current.events.on('error', (error) => beginAgain(current, error));
    for (const [channel, handle] of Object.entries(options.channels)) {
      current.notifications.on(channel, (message: Message) => {
        if ('json' in message) handle(message.json);
        else options.onMalformed(channel, message.text);
      });
    }
    try {
      await current.connect();
      for (const channel of Object.keys(options.channels)) await current.listenTo(channel);
      await assertHears(current, options);
      if (!closed) options.onReady();
    } catch (error) {
      beginAgain(current, error instanceof Error ? error : new Error(String(error)));
    }
  };

  const beginAgain = (failed: Subscriber, error: Error): void => {
    if (closed || failed !== subscriber) return;
    subscriber = undefined;
    options.onLost(error);
    void failed.close().catch(() => undefined);
    retry = setTimeout(() => void begin(), RETRY_MS);
  };

  void begin();
  return {
    async close() {
      closed = true;
      clearTimeout(retry);
      await subscriber?.close().catch(() => undefined);
    },
  };
}

/**
 * A transaction pooler takes a LISTEN and gives the session behind it to somebody else: nothing would ever be heard, and
 * nobody told. So another session sends one NOTIFY to see whether it arrives.
 * @throws {ListenUnheardError}
 */
async function assertHears(subscriber: Subscriber, options: ListenOptions): Promise<void> {
  const channel = `tapecast_probe_${randomUUID().replaceAll('-', '')}`;
  let timer: NodeJS.Timeout | undefined;
  const heard = new Promise<boolean>((resolve) => {
    subscriber.notifications.once(channel, () => resolve(true));
    timer = setTimeout(resolve, HEARD_WITHIN_MS, false);
  });
  try {
    await subscriber.listenTo(channel);
    await notifyOnce(options, channel);
    if (!(await heard)) throw new ListenUnheardError();
    await subscriber.unlisten(channel);
  } finally {
    clearTimeout(timer);
  }
}

async function notifyOnce({ url, applicationName }: ListenOptions, channel: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `${applicationName}-probe`,
    connectionTimeoutMillis: 5_000,
    query_timeout: ANSWER_WITHIN_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT pg_notify($1, $2)', [channel, '1']);
  } finally {
    await client.end().catch(() => undefined);
  }
}
