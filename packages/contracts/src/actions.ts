/** Splits and dividends, and bars that are doubtful: what a chart marks besides its prices. */
import { z } from 'zod';
import { TimeParameter } from './rest.ts';
import { NativeResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { UnixSeconds } from './units.ts';

/** `numerator` new shares for each `denominator` old ones. */
export const Split = z.object({
  kind: z.literal('split'),
  /** The exchange-local date at 00:00Z: the key of its 1d bar. */
  exDate: UnixSeconds,
  numerator: z.number().positive(),
  denominator: z.number().positive(),
});
export type Split = z.infer<typeof Split>;

export const Dividend = z.object({
  kind: z.literal('dividend'),
  exDate: UnixSeconds,
  /** For each share of today, in the ticker's currency. */
  amount: z.number().positive(),
});

export const CorporateAction = z.discriminatedUnion('kind', [Split, Dividend]);
export type CorporateAction = z.infer<typeof CorporateAction>;

export const ActionsQuery = z.object({ from: TimeParameter.optional(), to: TimeParameter.optional() });

export const ActionsAnswer = z.object({
  ticker: Ticker,
  /** Rising in exDate. */
  actions: z.array(CorporateAction),
});
export type ActionsAnswer = z.infer<typeof ActionsAnswer>;

/** docs/repair.md says what each of them finds. */
export const RepairRule = z.enum(['unit', 'split_missing', 'split_doubled', 'spike', 'jump', 'duplicate']);
export type RepairRule = z.infer<typeof RepairRule>;

/**
 * `repaired`: the new prices are stored. `flagged`: the bar is stored as it came, and doubtful. `undone`: a person has put the
 * bar back as it came, or accepted it. `settled`: later bars showed that it was right. `superseded`: the source corrected it.
 */
export const RepairState = z.enum(['repaired', 'flagged', 'undone', 'settled', 'superseded']);
export type RepairState = z.infer<typeof RepairState>;

export const RepairsQuery = z.object({ resolution: NativeResolution.optional() });

/** Open, high, low, close. */
const Prices = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const BarRepair = z.object({
  id: z.int(),
  resolution: NativeResolution,
  time: UnixSeconds,
  rule: RepairRule,
  state: RepairState,
  reason: z.string(),
  old: Prices,
  new: Prices.nullable(),
  foundAt: UnixSeconds,
});
export type BarRepair = z.infer<typeof BarRepair>;

/** Those that concern what is stored now: repaired and flagged bars, newest first, at most 1,000. */
export const RepairsAnswer = z.object({ ticker: Ticker, repairs: z.array(BarRepair) });
export type RepairsAnswer = z.infer<typeof RepairsAnswer>;
