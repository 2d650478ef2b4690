/** A server that is away is worth one line when it goes and one when it is back, not one for each thing that fails. */
import { type Logger } from '@tapecast/runtime/logger';

export interface OutageLog {
  readonly away: boolean;
  failed(err: unknown): void;
  worked(): void;
}

export function createOutageLog(logger: Logger, what: string): OutageLog {
  let away = false;
  return {
    get away() {
      return away;
    },
    failed(err) {
      if (away) logger.debug({ err }, `${what} is still away`);
      else logger.error({ err }, `${what} is away; forecasting goes on when it is back`);
      away = true;
    },
    worked() {
      if (away) logger.info(`${what} is back`);
      away = false;
    },
  };
}
