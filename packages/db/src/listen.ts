/**
 * LISTEN that comes back by itself. What was sent while the connection was away is lost: `onReady` fires after every
 * (re)LISTEN, and whoever listens must read anew what it may have missed.
 */
import createSubscriber, { type Subscriber } from 'pg-listen';

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
