/** Which backups stay: the newest of each of the last so many hours, days, weeks … that have one. Times are UTC. */
import { type Keep, type Period } from './settings.ts';

const BUCKET: Record<Period, (time: Date) => string> = {
  last: (time) => time.toISOString(),
  hourly: (time) => time.toISOString().slice(0, 13),
  daily: (time) => time.toISOString().slice(0, 10),
  weekly: (time) => String(Math.floor((time.getTime() / 86_400_000 + 3) / 7)), // 1970-01-01 was a Thursday: weeks begin on Monday
  monthly: (time) => time.toISOString().slice(0, 7),
  yearly: (time) => time.toISOString().slice(0, 4),
};

/** @returns those to keep; the newest is always among them */
export function chooseKept<T extends { madeAt: Date }>(archives: readonly T[], keep: Keep): Set<T> {
  const newestFirst = archives.toSorted((left, right) => right.madeAt.getTime() - left.madeAt.getTime());
  const kept = new Set(newestFirst.slice(0, 1));
  for (const [period, count] of Object.entries(keep) as [Period, number][]) {
    const newest = new Map<string, T>();
    for (const archive of newestFirst) {
      const bucket = BUCKET[period](archive.madeAt);
      if (!newest.has(bucket)) newest.set(bucket, archive);
    }
    for (const archive of [...newest.values()].slice(0, count)) kept.add(archive);
  }
  return kept;
}
