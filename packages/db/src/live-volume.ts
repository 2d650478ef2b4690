/**
 * Volume of a live bar: the day's volume above what it was when the bar began, always written absolute, so that a poll
 * that is run twice adds nothing.
 */

export interface VolumeMark {
  /** Key of the bar that the mark belongs to. */
  bar: number;
  /** Day volume when that bar began; null while unknown. */
  volumeAtStart: number | null;
}

export interface VolumeObservation {
  bar: number;
  day: number;
  dayVolume: number | null;
  /** The newest observation before this one, null when this is the first. */
  previous: { mark: VolumeMark; day: number; dayVolume: number | null } | null;
}

export function markVolume(observation: VolumeObservation): VolumeMark {
  const { bar, day, dayVolume, previous } = observation;
  if (previous !== null && previous.mark.bar === bar && previous.day === day) return previous.mark;
  // Nothing is known of what was traded before the first observation: counting begins with it.
  if (previous === null) return { bar, volumeAtStart: dayVolume };
  // A new day counts from zero.
  if (previous.day !== day) return { bar, volumeAtStart: 0 };
  return { bar, volumeAtStart: previous.dayVolume ?? dayVolume };
}

export function volumeSince(mark: VolumeMark, dayVolume: number | null): number | null {
  if (dayVolume === null || mark.volumeAtStart === null) return null;
  // The vendor sometimes corrects a day's volume downwards.
  return Math.max(0, dayVolume - mark.volumeAtStart);
}
