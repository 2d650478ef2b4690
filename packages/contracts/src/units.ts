/** Numbers that are easily confused carry a brand: the compiler then refuses to mix them. */
import { z } from 'zod';

/** Unix time in whole seconds, UTC. */
export const UnixSeconds = z.int().brand<'UnixSeconds'>();
export type UnixSeconds = z.infer<typeof UnixSeconds>;

/** Position in a series' history of changes: 0 before the first row, then +1 for each statement that changed it. */
export const Revision = z.int().nonnegative().brand<'Revision'>();
export type Revision = z.infer<typeof Revision>;

/** Identity of the database's history. Revisions of different epochs cannot be compared. */
export const Epoch = z.string().min(1).max(128).brand<'Epoch'>();
export type Epoch = z.infer<typeof Epoch>;

export function unixSeconds(value: number): UnixSeconds {
  return Math.floor(value) as UnixSeconds;
}

export function toUnixSeconds(date: Date): UnixSeconds {
  return unixSeconds(date.getTime() / 1_000);
}

export function toDate(time: UnixSeconds): Date {
  return new Date(time * 1_000);
}

export function revision(value: number): Revision {
  return value as Revision;
}
