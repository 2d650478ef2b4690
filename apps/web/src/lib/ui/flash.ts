/** Flashes the background for 300 ms when the watched value changes; not at first sight, and not for who wants no motion. */
import type { Attachment } from 'svelte/attachments';
import type { Direction } from '#lib/market/numbers.ts';

const FLASH_MS = 300;

/**
 * @param value what is watched, null while it proves nothing
 * @param towards the way that it moved, from the value before
 */
export function flash(
  value: () => number | null,
  towards: (before: number, after: number) => Direction,
): Attachment<HTMLElement> {
  let before: number | null = null;
  return (element) => {
    const after = value();
    if (before !== null && after !== null && after !== before && !prefersStillness()) {
      const colour = { up: 'var(--up)', down: 'var(--down)', flat: 'var(--muted)' }[towards(before, after)];
      const lit = `color-mix(in srgb, ${colour} 18%, transparent)`;
      element.animate([{ backgroundColor: lit }, { backgroundColor: 'transparent' }], FLASH_MS);
    }
    before = after;
  };
}

function prefersStillness(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
