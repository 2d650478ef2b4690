/** NOTIFY as the hub hears it: parsed, and counted where it is not what the contract says. */
import {
  BARS_CHANNEL,
  BarsHint,
  FORECASTS_CHANNEL,
  ForecastsHint,
  STATUS_CHANNEL,
  StatusHint,
} from '@tapecast/contracts/notify';
import { openListener, type Listener } from '@tapecast/db/listen';
import type { Logger } from '@tapecast/runtime/logger';
import type { z } from 'zod';
import type { HubMetrics } from './metrics.ts';

export interface HintsOptions {
  listenUrl: string;
  logger: Logger;
  metrics: HubMetrics;
  onBars(hint: BarsHint): void;
  onForecasts(hint: ForecastsHint): void;
  onStatus(): void;
  /** After each (re)LISTEN: what was sent before is lost. */
  onReady(): void;
  onLost(): void;
  /** Channels of others on the same connection, who read their payloads themselves. */
  also?: { channels: Record<string, (payload: unknown) => void> };
}

const MOST_LOGGED = 200;

export function openHints(options: HintsOptions): Listener {
  const { logger, metrics } = options;
  const malformed = (channel: string, text: string) => {
    metrics.hintsMalformed.inc();
    logger.warn({ channel, text: text.slice(0, MOST_LOGGED) }, 'a NOTIFY that is not what the contract says');
  };
  const hear =
    <T>(channel: string, schema: z.ZodType<T>, take: (hint: T) => void) =>
    (payload: unknown) => {
      const parsed = schema.safeParse(payload);
      if (parsed.success) take(parsed.data);
      else malformed(channel, JSON.stringify(payload));
    };
  return openListener({
    url: options.listenUrl,
    applicationName: 'tapecast-web',
    channels: {
      [BARS_CHANNEL]: hear(BARS_CHANNEL, BarsHint, options.onBars),
      [FORECASTS_CHANNEL]: hear(FORECASTS_CHANNEL, ForecastsHint, options.onForecasts),
      [STATUS_CHANNEL]: hear(STATUS_CHANNEL, StatusHint, options.onStatus),
      ...options.also?.channels,
    },
    onReady: options.onReady,
    onLost: (err) => {
      logger.warn({ err }, 'LISTEN is lost; the sweep goes on, and it is tried again');
      options.onLost();
    },
    onMalformed: malformed,
  });
}
