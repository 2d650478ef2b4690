/** Whose forecasts come first. */
import { type ForecastResolution } from '@tapecast/contracts/resolution';

/** Replicas tell what is watched every 15 s; who closes a page for a moment is still there. */
export const WATCHED_SECONDS = 120;

/** What somebody looks at comes first; then hours, before days, whose forecasts keep longer. 1 is served first. */
export function priorityOf({ watched, resolution }: { watched: boolean; resolution: ForecastResolution }): number {
  return (watched ? 1 : 3) + (resolution === '1d' ? 1 : 0);
}
