/** A bar on the wire: `[time, open, high, low, close, volume]`, time in Unix seconds UTC, prices in the ticker's currency. */
import { z } from 'zod';
import { UnixSeconds } from './units.ts';

export const LiveBar = z.tuple([UnixSeconds, z.number(), z.number(), z.number(), z.number(), z.number().nullable()]);
export type LiveBar = z.infer<typeof LiveBar>;

/** A bar that the source took back: the client removes what it holds at that time. */
export const WithdrawnBar = z.tuple([UnixSeconds, z.null(), z.null(), z.null(), z.null(), z.null()]);
export type WithdrawnBar = z.infer<typeof WithdrawnBar>;

export const Bar = z.union([LiveBar, WithdrawnBar]);
export type Bar = z.infer<typeof Bar>;

export function isWithdrawn(bar: Bar): bar is WithdrawnBar {
  return bar[4] === null;
}
