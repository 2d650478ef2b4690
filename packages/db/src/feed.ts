/** When the price source was last heard. */
import { toUnixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { answering, type Database } from './database.ts';

export interface FeedState {
  source: string;
  pollSeconds: number;
  /** When a poll last worked; null if none has yet. */
  okAt: UnixSeconds | null;
  /** The newest failure; null once a poll has worked again. */
  lastError: string | null;
  lastErrorAt: UnixSeconds | null;
}

export async function recordPoll(
  db: Database,
  poll: { source: string; pollSeconds: number; ok: boolean; error?: string | undefined; at?: Date },
): Promise<void> {
  const at = poll.at ?? new Date();
  const news = poll.ok ? { ok_at: at, error: null, error_at: null } : { error: poll.error ?? 'unknown', error_at: at };
  await answering(() =>
    db.kysely
      .insertInto('feed_status')
      .values({ source: poll.source, poll_seconds: poll.pollSeconds, ...news })
      .onConflict((conflict) => conflict.column('source').doUpdateSet({ poll_seconds: poll.pollSeconds, ...news }))
      .execute(),
  );
}

/** The feed that was heard or tried last; null before the first poll. */
export async function readFeed(db: Database): Promise<FeedState | null> {
  const row = await answering(() =>
    db.kysely
      .selectFrom('feed_status')
      .selectAll()
      .orderBy(
        (expression) => expression.fn('greatest', ['ok_at', 'error_at']),
        (order) => order.desc().nullsLast(),
      )
      .limit(1)
      .executeTakeFirst(),
  );
  if (row === undefined) return null;
  return {
    source: row.source,
    pollSeconds: row.poll_seconds,
    okAt: row.ok_at === null ? null : toUnixSeconds(row.ok_at),
    lastError: row.error,
    lastErrorAt: row.error_at === null ? null : toUnixSeconds(row.error_at),
  };
}
